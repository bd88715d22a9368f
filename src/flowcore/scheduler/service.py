"""The scheduler's nursery: what starts in which order, and what happens on a stop. Read it top to bottom.

Start: lease → executors → routines. Stop is the reverse, under one grace period:

1. the *intake* ends at once: no run is created or started, no try or callback is claimed;
2. running tries and callbacks may end by themselves until the grace period is over, which is written;
3. what still runs is cancelled and given back, which is written too;
4. the lease is given up, unless a try could not be stopped: then it lapses by itself.

Nothing below is cancelled from outside: a cancellation is a stop without the grace period.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from flowcore.abc import Executor
from flowcore.clock import Clock
from flowcore.concurrency.loop import Routine, run_routine
from flowcore.concurrency.supervision import Health, supervise
from flowcore.concurrency.wakeups import Wakeups
from flowcore.errors import DatabaseUnavailable
from flowcore.scheduler.callback_calls import CallbackCaller, CallbackCalls
from flowcore.scheduler.routines.apply_executor_events import ApplyExecutorEvents, ReportBuffer
from flowcore.scheduler.routines.complete_backfills import CompleteBackfills
from flowcore.scheduler.routines.create_asset_runs import CreateAssetRuns
from flowcore.scheduler.routines.create_dag_runs import CreateDagRuns
from flowcore.scheduler.routines.enqueue_task_instances import EnqueueTaskInstances
from flowcore.scheduler.routines.expire import Expire
from flowcore.scheduler.routines.recover_task_instances import RecoverTaskInstances
from flowcore.scheduler.routines.revoke_tries import RevokeTries
from flowcore.scheduler.routines.run_callbacks import RunCallbacks
from flowcore.scheduler.routines.schedule_task_instances import ScheduleTaskInstances
from flowcore.scheduler.routines.start_dag_runs import StartDagRuns
from flowcore.scheduler.store import Store
from flowcore.scheduler.wake_graph import WAKES, RoutineName

log = logging.getLogger(__name__)

#: What writing the last reports and giving up the lease may take after the grace period.
_LAST_WORDS_S = 0.5


class LeasingStore(Store, Protocol):
    """A store that claims tries under a lease of this process."""

    async def acquire_lease(self, ttl_s: float) -> None: ...
    async def renew_lease(self, ttl_s: float) -> bool: ...
    async def release_lease(self) -> bool: ...


@attrs.frozen(kw_only=True)
class SchedulerSettings:
    """How the scheduler waits, in seconds; `safety_poll_s` may be inf where nobody else writes.

    `seed` makes the jitter of restarts repeatable. Without `creates_dag_runs` only runs that somebody
    triggered are carried out.
    """

    grace_s: float = 30.0
    lease_s: float = 15.0
    safety_poll_s: float = 5.0
    unhealthy_after_s: float = 60.0
    creates_dag_runs: bool = True
    seed: int | None = None


@attrs.frozen
class SchedulerStatistics:
    """A snapshot: the routines by name, reports not written yet, ends refused because the try was lost."""

    routines: Mapping[str, Health]
    reports_waiting: int
    reports_refused: int


class Scheduler:
    """The routines and executors of one process; the first executor is the default one.

    `caller` calls the callbacks of Dags.
    """

    def __init__(
        self,
        store: LeasingStore,
        executors: Mapping[str, Executor],
        *,
        caller: CallbackCaller,
        wakeups: Wakeups,
        clock: Clock,
        settings: SchedulerSettings,
    ) -> None:
        self._store, self._executors = store, executors
        self._wakeups, self._clock, self._settings = wakeups, clock, settings
        self._jitter = random.Random(settings.seed)
        self._buffer = ReportBuffer(wakeups)
        self._apply = ApplyExecutorEvents(store, self._buffer)
        self._calls = CallbackCalls(caller, wakeups)
        self._run_callbacks = RunCallbacks(store, self._calls, self._give_up_lease)
        self._intake: Sequence[Routine] = (
            *((CreateDagRuns(store), CreateAssetRuns(store)) if settings.creates_dag_runs else ()),
            StartDagRuns(store),
            EnqueueTaskInstances(store, executors, self._give_up_lease, self._buffer.expect),
            RecoverTaskInstances(store),
        )
        self._work: Sequence[Routine] = (
            ScheduleTaskInstances(store),
            Expire(store),
            RevokeTries(store, executors),
            CompleteBackfills(store),
            self._run_callbacks,
            self._apply,
        )
        self._health = {name: Health(name) for name in RoutineName}
        self._stopping, self._grace_over = anyio.Event(), anyio.Event()
        self._stopped = anyio.Event()
        self._under_lease = anyio.CancelScope()
        #: Whether the lease was given up at the end: no try was left behind that could not be stopped.
        self.is_released = False

    def statistics(self) -> SchedulerStatistics:
        """Say how the routines are doing."""
        health = {str(name): attrs.evolve(health) for name, health in self._health.items()}
        return SchedulerStatistics(health, len(self._buffer.ended), self._apply.refused)

    def stop(self) -> None:
        """Begin to stop; said again, skip the rest of the grace period."""
        if self._stopping.is_set():
            self._grace_over.set()
        self._stopping.set()

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Run until `stop()` or cancellation.

        Raises:
            RoutineBroken: a routine kept failing (in an exception group).
            DatabaseInUse: another scheduler uses this SQLite database.
        """
        async with anyio.create_task_group() as nursery:
            await self._store.acquire_lease(self._settings.lease_s)
            nursery.start_soon(self._stop_when_cancelled)
            with anyio.CancelScope(shield=True):
                await self._serve_leases(task_status)
            self._stopped.set()
            nursery.cancel_scope.cancel()

    async def wait_stopping(self) -> None:
        """Return once it is about to stop."""
        await self._stopping.wait()

    async def wait_stopped(self) -> None:
        """Return once `serve` has stopped everything."""
        await self._stopped.wait()

    async def _stop_when_cancelled(self) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            self._stopping.set()
            self._grace_over.set()

    async def _serve_leases(self, task_status: TaskStatus[None]) -> None:
        while True:
            try:
                await self._serve_under_lease(task_status)
            finally:
                await self._say_last_words()
            if self._stopping.is_set():
                return
            # The lease was taken over while this process or its database slept: begin afresh.
            task_status = anyio.TASK_STATUS_IGNORED
            if not await self._acquire_another_lease():
                return

    async def _acquire_another_lease(self) -> bool:
        while not self._stopping.is_set():
            try:
                await self._store.acquire_lease(self._settings.lease_s)
            except DatabaseUnavailable as error:
                log.warning("no new lease could be had: %s", error)
            else:
                return True
            with anyio.move_on_after(self._settings.lease_s / 3):
                await self._stopping.wait()
        return False

    async def _serve_under_lease(self, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as nursery:
            self._under_lease = nursery.cancel_scope
            nursery.start_soon(self._keep_lease)
            await self._run(task_status)
            nursery.cancel_scope.cancel()

    def _give_up_lease(self) -> None:
        self._under_lease.cancel()

    async def _run(self, task_status: TaskStatus[None]) -> None:
        async with anyio.create_task_group() as work:
            self._start(work, self._work)
            async with anyio.create_task_group() as running:
                for executor in self._executors.values():
                    await running.start(executor.serve, self._buffer)
                await running.start(self._calls.serve)
                async with anyio.create_task_group() as intake:
                    self._start(intake, self._intake)
                    task_status.started()
                    await self._stopping.wait()
                    intake.cancel_scope.cancel()
                self._calls.close()
                await self._drain()
                running.cancel_scope.cancel()
            work.cancel_scope.cancel()

    def _start(self, nursery: TaskGroup, routines: Iterable[Routine]) -> None:
        for routine in routines:
            nursery.start_soon(self._supervise, routine, name=routine.name)

    async def _supervise(self, routine: Routine) -> None:
        name = RoutineName(routine.name)
        await supervise(
            partial(
                run_routine,
                routine,
                WAKES[name],
                wakeups=self._wakeups,
                clock=self._clock,
                poll_s=self._settings.safety_poll_s,
            ),
            self._health[name],
            patience_s=self._settings.unhealthy_after_s,
            jitter=self._jitter,
        )

    async def _keep_lease(self) -> None:
        while True:
            await anyio.sleep(self._settings.lease_s / 3)
            try:
                renewed = await self._store.renew_lease(self._settings.lease_s)
            except DatabaseUnavailable as error:
                log.warning("the lease could not be renewed: %s", error)
                continue
            if not renewed:
                log.error("the lease of this process lapsed and was taken over; its tries are stopped")
                self._give_up_lease()

    async def _drain(self) -> None:
        with anyio.move_on_after(self._settings.grace_s):
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(self._cut_grace_short, waiting)
                for executor in self._executors.values():
                    await executor.wait_idle()
                await self._calls.wait_idle()
                waiting.cancel_scope.cancel()

    async def _cut_grace_short(self, waiting: TaskGroup) -> None:
        await self._grace_over.wait()
        waiting.cancel_scope.cancel()

    async def _say_last_words(self) -> None:
        with anyio.move_on_after(_LAST_WORDS_S, shield=True):
            try:
                while self._buffer.ended:
                    await self._apply.write(self._clock.now())
                await self._run_callbacks.write(self._clock.now())
                self.is_released = await self._store.release_lease()
            except DatabaseUnavailable as error:
                log.warning("the last reports could not be written, the lease will lapse: %s", error)
