"""Job: a fork server with one version of one Dag file imported, for the tries of its Dags.

While it imports, its socket is the comms of the file, which may look up variables and connections; from then
on it is the control socket of a fork server. `followed_imports.py` is the other end.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

from flowcore.backends import Backend
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import load_record
from flowcore.domain.workloads import RunsIn
from flowcore.errors import FlowcoreError
from flowcore.runner.dag_files.imported_dags import import_dags
from flowcore.runner.processes.control import ServerBroken
from flowcore.runner.processes.forking import ForkLoop
from flowcore.runner.processes.jobs import Job
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.errors import error_answer
from flowcore.sdk.comms.questions import current_comms, process_comms
from flowcore.sdk.dags import DAG


def serve_dags(job: Job) -> None:
    """Import the `DagSource` in the payload, and serve what it makes."""
    dags = _import(job)
    if dags is not None:
        _import_loops(dags)
        job.comms.setblocking(True)
        ForkLoop(job.comms, dags).serve()


def _import(job: Job) -> Sequence[DAG] | None:
    comms = Decoder(job.comms)
    try:
        with current_comms(comms), process_comms(comms):
            return import_dags(load_record(DagSource, job.payload))
    except FlowcoreError as error:
        comms.post(ServerBroken(error_answer(error)))
        return None


def _import_loops(dags: Sequence[DAG]) -> None:
    """Import the event loops of coroutines that ask for a process each: each would do it for itself."""
    alone = [task for dag in dags for task in dag.tasks if task.is_async and task.runs_in is RunsIn.PROCESS]
    for backend in {task.backend or Backend.ASYNCIO for task in alone}:
        # What is missing is missed by the try.
        with suppress(ImportError):
            import_module(f"anyio._backends._{backend}")
