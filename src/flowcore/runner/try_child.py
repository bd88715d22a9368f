"""Job: one try in a process of its own, forked from the server that has its Dag file imported.

A function runs on the main thread, without an event loop; a coroutine runs on a loop of its own. The
payload is `{"workload": ..., "settings": ...}`, records of that kind; `comms` is spoken as `sdk/comms` says.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import anyio
import attrs

from flowcore.backends import Backend
from flowcore.domain.records import load_record
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Workload
from flowcore.errors import FlowcoreError
from flowcore.runner.coroutine_try import CoroutineTry
from flowcore.runner.dag_files.imported_dags import task_of
from flowcore.runner.endings import ending_of
from flowcore.runner.function_try import INTERRUPTS, FunctionTry
from flowcore.runner.logs.child_log import logging_to
from flowcore.runner.processes.jobs import Job
from flowcore.runner.reporting import report
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.questions import process_comms
from flowcore.sdk.context_variables import context_variables
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator


def run_try(job: Job) -> None:
    """Carry out the workload and report how it ended."""
    carry_out(job.payload, job.dags, Decoder(job.comms))


def carry_out(payload: Mapping[str, Any], dags: Sequence[DAG], comms: Decoder) -> None:
    """The same with the comms made; what it changes of the process, it leaves changed."""
    workload = load_record(Workload, payload["workload"])
    settings = load_record(TrySettings, payload["settings"])
    with process_comms(comms):
        try:
            task = task_of(dags, workload)
        except FlowcoreError as error:
            report(ending_of(error, {}), comms)
            return
        # There is no other try in this process.
        os.environ.update(_context_variables(workload, task))
        if task.is_async:
            backend = workload.backend or Backend.ASYNCIO
            anyio.run(_run_coroutine, workload, task, comms, settings, backend=backend)
        else:
            _run_function(workload, task, comms, settings)


def _context_variables(workload: Workload, task: BaseOperator) -> Mapping[str, str]:
    run = workload.run
    return context_variables(
        task, run_id=run.run_id, try_number=workload.try_number, logical_date=run.logical_date
    )


def _run_function(workload: Workload, task: BaseOperator, comms: Decoder, settings: TrySettings) -> None:
    attempted = FunctionTry(workload, task, comms, settings)
    with logging_to(comms):
        ending = attempted.run()
    # What was logged arrives before the report, and this before the callbacks, whatever they do.
    ending = report(ending, comms)
    with logging_to(comms):
        attempted.call_back(ending)


async def _run_coroutine(
    workload: Workload, task: BaseOperator, comms: Decoder, settings: TrySettings
) -> None:
    attempted = CoroutineTry(
        workload, tasks=_Found(task), comms=comms, threads=anyio.CapacityLimiter(1), settings=settings
    )
    with anyio.open_signal_receiver(*INTERRUPTS) as signals:
        # For a loop that is blocked, and will not see the signal itself.
        faulthandler.register(signal.SIGTERM, file=2, chain=True)
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(_cancel_at_signals, attempted, signals)
            await attempted.run()
            nursery.cancel_scope.cancel()


async def _cancel_at_signals(attempted: CoroutineTry, signals: AsyncIterator[signal.Signals]) -> None:
    async for number in signals:
        attempted.cancel(f"the try was told to end by {number.name}")


@attrs.frozen
class _Found:
    """Implements `TaskFinder` for the one task there is."""

    found: BaseOperator

    async def task(self, workload: Workload) -> BaseOperator:
        return self.found
