"""Job: a fork server with one version of one Dag file imported, for the tries of its Dags."""

from __future__ import annotations

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.records import load_record
from flowcore.errors import DagError
from flowcore.runner.control import ServerBroken, control_frame
from flowcore.runner.forking import ForkLoop
from flowcore.runner.imported_dags import import_dags
from flowcore.runner.jobs import Job


def serve_dags(job: Job) -> None:
    """Import the `DagSource` in the payload; `comms` is the control socket."""
    try:
        dags = import_dags(load_record(DagSource, job.payload))
    except DagError as error:
        job.comms.sendall(control_frame(ServerBroken(str(error))))
        return
    ForkLoop(job.comms, dags).serve()
