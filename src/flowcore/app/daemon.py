"""`flowcore scheduler` as a coroutine: the Dags of a folder until a signal comes."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator

import anyio

from flowcore.app.deadline import ABANDONED, Deadline
from flowcore.app.flowcore import Flowcore
from flowcore.app.opening import open
from flowcore.app.options import Options
from flowcore.app.stop_signals import stop_signals
from flowcore.database.queries.dag_folders import known_folder
from flowcore.settings import Settings

log = logging.getLogger(__name__)


async def run_scheduler(settings: Settings, *, until_idle: bool) -> int:
    """Run until SIGTERM or SIGINT, or with `until_idle` until no run is left; the exit status.

    A second signal skips the grace period. The process is gone within `grace_s` + 1 s of the signal. When
    tries had to be abandoned it ends at once with status 3.
    """
    deadline = Deadline()
    # Before anything is claimed: from then on a signal has to be a stop, not the end.
    with stop_signals(deadline, grace_s=settings.grace_s) as signals:
        async with (
            open(
                settings.database_url, dags_folder=settings.dags_folder, options=Options.of(settings)
            ) as flowcore,
            anyio.create_task_group() as nursery,
        ):
            nursery.start_soon(_stop_on_signal, flowcore, signals)
            nursery.start_soon(_say_when_settled, flowcore)
            if until_idle:
                nursery.start_soon(_stop_when_idle, flowcore)
            await flowcore.wait_stopped()
            nursery.cancel_scope.cancel()
    if flowcore.is_released:
        return 0
    # The interpreter would wait for threads, and would take its time to forget what it has imported.
    deadline.set(0.0)
    return ABANDONED


async def _stop_on_signal(flowcore: Flowcore, signals: AsyncIterator[signal.Signals]) -> None:
    async for number in signals:
        log.info("%s: the scheduler stops", signal.Signals(number).name)
        flowcore.stop()


async def _say_when_settled(flowcore: Flowcore) -> None:
    folder = flowcore.folder
    assert folder is not None
    await folder.wait_settled()
    known = await flowcore.database.read(known_folder, folder.catalogue.folder)
    log.info("%d Dags of %s are scheduled", len(known.active), folder.catalogue.folder)


async def _stop_when_idle(flowcore: Flowcore) -> None:
    await flowcore.wait_idle()
    flowcore.stop()
