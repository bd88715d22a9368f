"""How a name of ours is written down that stands for one of Airflow's: `module:name`, or `module`.

Targets are texts, and loaded when a Dag file imports them, so that nothing is paid for what is not used.
"""

from __future__ import annotations

from collections.abc import Mapping

SDK = "flowcore.sdk"

#: Targets by the name that a module of Airflow has for them.
Names = Mapping[str, str]


def of(source: str, *names: str) -> Names:
    """Names that are called in our module `source` as in Airflow's."""
    return {name: f"{source}:{name}" for name in names}


def sdk(*names: str) -> Names:
    """Names that `flowcore.sdk` has."""
    return of(SDK, *names)
