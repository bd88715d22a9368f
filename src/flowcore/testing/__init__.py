"""The simulation and invariants kit: for our own tests, and for authors of Dags and extensions.

- `strategies.py` draws Dags, scripts of outcomes and loads; `scripts.py` and `loads.py` are their values
- `scripted_executor.py` ends tries as a script says; `oracle.py` says how a run must end
- `simulation.py` steps several schedulers in a drawn order, with faults, in virtual time, on either loop
- `virtual_time.py` runs the real scheduler service on trio's virtual clock
- `invariants.py` says what must always be true, of the values in `snapshots.py`

Needs the extra `testing`.
"""

from flowcore.testing.clock import LoopClock, ManualClock
from flowcore.testing.faulty_database import DatabaseFault, FaultyDatabase
from flowcore.testing.loads import Load, RunRequest, store_load, store_request
from flowcore.testing.oracle import ExpectedRun, expect_run, interpret
from flowcore.testing.scripted_executor import ScriptedExecutor
from flowcore.testing.scripts import Script, ScriptedEnd
from flowcore.testing.simulation import Simulation, SimulationSettings, open_simulation
from flowcore.testing.snapshots import Snapshot
from flowcore.testing.sometimes import Sometimes
from flowcore.testing.virtual_time import ServiceParts, run_in_virtual_time, serve_load

__all__ = [
    "DatabaseFault",
    "ExpectedRun",
    "FaultyDatabase",
    "Load",
    "LoopClock",
    "ManualClock",
    "RunRequest",
    "Script",
    "ScriptedEnd",
    "ScriptedExecutor",
    "ServiceParts",
    "Simulation",
    "SimulationSettings",
    "Snapshot",
    "Sometimes",
    "expect_run",
    "interpret",
    "open_simulation",
    "run_in_virtual_time",
    "serve_load",
    "store_load",
    "store_request",
]
