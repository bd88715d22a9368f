"""Job: tells the callbacks of a try that it failed, when its own process died before it could do so.

The payload is that of `try_child.py`, and `error`, which says how the process died.
"""

from __future__ import annotations

from flowcore.domain.records import load_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.runner.dag_files.imported_dags import task_of
from flowcore.runner.endings import failed
from flowcore.runner.function_try import FunctionTry
from flowcore.runner.logs.child_log import logging_to
from flowcore.runner.processes.jobs import Job
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.questions import process_comms
from flowcore.sdk.exceptions import TryDied


def call_back_for_dead(job: Job) -> None:
    """Call whoever is to hear of the failure."""
    workload = load_record(Workload, job.payload["workload"])
    settings = load_record(TrySettings, job.payload["settings"])
    error: str = job.payload["error"]
    comms = Decoder(job.comms)
    with process_comms(comms), logging_to(comms):
        task = task_of(job.dags, workload)
        FunctionTry(workload, task, comms, settings).call_back(failed(error), TryDied(error))
