"""flowcore: Airflow's core rebuilt on structured concurrency. This is the face for embedders.

    async with flowcore.open("sqlite:///flow.db") as fc:
        fc.register(dag)
        run = await fc.trigger(dag.dag_id)
        await run.wait()

`flowcore.sdk` is what Dag files import, `flowcore.abc` what extensions implement, `flowcore.testing`
what tests use. Names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowcore.app.flowcore import Flowcore as Flowcore
    from flowcore.app.opening import open as open
    from flowcore.app.runs import Run as Run
    from flowcore.app.runs import RunEvent as RunEvent

__version__ = "0.1.0"

_SOURCES = {
    "Flowcore": "flowcore.app.flowcore",
    "Run": "flowcore.app.runs",
    "RunEvent": "flowcore.app.runs",
    "open": "flowcore.app.opening",
}

__all__ = ["Flowcore", "Run", "RunEvent", "__version__", "open"]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_SOURCES[name]), name)
