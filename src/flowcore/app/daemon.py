"""`flowcore scheduler` as a coroutine: the Dags of a folder until a signal comes."""

from __future__ import annotations

import logging
import signal

import anyio
from anyio.abc import TaskStatus

from flowcore.app.dag_folder import import_folder, note_failures
from flowcore.app.deadline import ABANDONED, exit_after
from flowcore.app.flowcore import Flowcore
from flowcore.app.opening import Options, open
from flowcore.clock import SystemClock
from flowcore.settings import Settings

log = logging.getLogger(__name__)

#: On top of the grace period: what the last reports and the end of the interpreter may take.
_EXIT_S = 0.9


async def run_scheduler(settings: Settings, *, until_idle: bool) -> int:
    """Run until SIGTERM or SIGINT, or with `until_idle` until no run is left; the exit status.

    A second signal skips the grace period. The process is gone within `grace_s` + 1 s of the signal;
    status 3 says that tries had to be abandoned.
    """
    imported = await import_folder(settings.dags_folder)
    async with (
        open(settings.database_url, dags=imported.dags, options=Options.of(settings)) as flowcore,
        anyio.create_task_group() as nursery,
    ):
        await nursery.start(_stop_on_signal, flowcore, settings.grace_s)
        await note_failures(flowcore.database, imported, now=SystemClock().now())
        log.info("%d Dags of %s are scheduled", len(imported.dags), settings.dags_folder)
        if until_idle:
            nursery.start_soon(_stop_when_idle, flowcore, settings.grace_s)
        await flowcore.wait_stopped()
        nursery.cancel_scope.cancel()
    return 0 if flowcore.is_released else ABANDONED


async def _stop_on_signal(flowcore: Flowcore, grace_s: float, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            log.info("%s: running tries have %g s to end", signal.Signals(number).name, grace_s)
            exit_after(grace_s + _EXIT_S)
            flowcore.stop()


async def _stop_when_idle(flowcore: Flowcore, grace_s: float) -> None:
    await flowcore.wait_idle()
    exit_after(grace_s + _EXIT_S)
    flowcore.stop()
