"""Job: calls the callbacks of a Dag, in a process of its own that has the Dag file imported.

The payload is `{"callback": ..., "backend": ..., "settings": ...}`; `comms` is spoken as `sdk/comms` says.
"""

from __future__ import annotations

from flowcore.backends import Backend
from flowcore.domain.dag_callbacks import DagCallback
from flowcore.domain.records import load_record
from flowcore.domain.try_settings import TrySettings
from flowcore.errors import FlowcoreError
from flowcore.runner.callbacks.dag_callbacks import callbacks_of, context_of_dag, problems_text
from flowcore.runner.callbacks.task_callbacks import call_back
from flowcore.runner.dag_files.imported_dags import dag_of
from flowcore.runner.logs.child_log import logging_to
from flowcore.runner.processes.jobs import Job
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.messages import CallbacksOver
from flowcore.sdk.comms.questions import current_comms, process_comms
from flowcore.sdk.context import current_context


def call_back_dag(job: Job) -> None:
    """Call them, and say how it went."""
    callback = load_record(DagCallback, job.payload["callback"])
    settings = load_record(TrySettings, job.payload["settings"])
    comms = Decoder(job.comms)
    with process_comms(comms), current_comms(comms):
        with logging_to(comms):
            try:
                dag = dag_of(job.dags, callback.run.dag_id)
                context = context_of_dag(dag, callback, comms=comms, settings=settings)
                with current_context(context):
                    problems = call_back(
                        callbacks_of(dag, callback.occasion),
                        context,
                        backend=Backend(job.payload["backend"]),
                    )
            except FlowcoreError as error:
                problems = [str(error)]
        # What was logged arrives before.
        comms.post(CallbacksOver(problems_text(problems)))
