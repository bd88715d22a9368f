"""The composition root: the only package that sees everything and puts it together.

`opening.py` opens flowcore inside a caller's event loop, `daemon.py` runs it as `flowcore scheduler`, and
`dag_processor.py` its part that reads Dag files.
"""

from flowcore.app.daemon import run_scheduler
from flowcore.app.flowcore import Flowcore
from flowcore.app.opening import open
from flowcore.app.runs import Run, RunEvent

__all__ = ["Flowcore", "Run", "RunEvent", "open", "run_scheduler"]
