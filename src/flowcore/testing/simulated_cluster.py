"""The processes of a simulation, their database and their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from flowcore.database.lanes import Database
from flowcore.domain.workloads import Workload
from flowcore.errors import DatabaseUnavailable
from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing.clock import ManualClock
from flowcore.testing.scripts import Script
from flowcore.testing.simulated_scheduler import LEASE_S, MakeStore, SimulatedScheduler
from flowcore.testing.watch import Watch


class SimulatedCluster:
    """Several schedulers on one database; all that it does is watched."""

    def __init__(
        self,
        database: Database,
        clock: ManualClock,
        script: Script,
        *,
        watch: Watch,
        make_store: MakeStore,
    ) -> None:
        self.database, self.clock, self.watch = database, clock, watch
        self.schedulers: list[SimulatedScheduler] = []
        self._script, self._make_store = script, make_store

    async def start(self, schedulers: int) -> None:
        """Start some schedulers."""
        self.schedulers = [await self._new_scheduler() for _ in range(schedulers)]
        await self.look()

    async def look(self, *, by_hand: bool = False) -> None:
        """Check the invariants, after putting a new process in the place of each that crashed.

        `by_hand` says that people made the last change.
        """
        for scheduler in tuple(self.schedulers):
            if scheduler.executor.is_crashed:
                await self.replace(scheduler)
        await self.watch.look(self._executing, by_hand=by_hand)

    async def step(self, scheduler: SimulatedScheduler, name: RoutineName) -> datetime | None:
        """Let a routine do one step; when it wants the next one, if nothing wakes it before."""
        reports = scheduler.coming_reports if name is RoutineName.APPLY_EXECUTOR_EVENTS else ()
        before, refused = self.watch.seen, scheduler.refused
        try:
            batch = await scheduler.step(name)
        except DatabaseUnavailable:
            self.watch.sometimes.note(True, "database fault")
            return self.clock.now()
        self.watch.sometimes.note(scheduler.refused > refused, "refused report")
        await self.watch.check_reports(before, reports)
        await self.look()
        if name is RoutineName.ENQUEUE_TASK_INSTANCES:
            places = min(scheduler.executor.free_slots().values())
            is_done = not batch.more and batch.next_at is None
            self.watch.check_claims(before, scheduler.lease_id, places=places, is_done=is_done)
        return self.clock.now() if batch.more else batch.next_at

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, in hops: those who are not frozen renew their leases meanwhile."""
        await self._end_due_tries()
        while seconds > 0:
            hop_s = min(seconds, LEASE_S / 3)
            seconds -= hop_s
            self.clock.advance(hop_s)
            await self._end_due_tries()
        await self.look()

    async def keep_lease(self, scheduler: SimulatedScheduler) -> None:
        """Let a scheduler renew its lease, unless it is dead."""
        if not scheduler.executor.is_crashed:
            self.watch.sometimes.note(not await scheduler.keep_lease(), "lease taken over")

    async def replace(self, scheduler: SimulatedScheduler) -> None:
        """Kill a scheduler: its lease is left to lapse, and a new process begins."""
        scheduler.executor.crash()
        self.schedulers[self.schedulers.index(scheduler)] = await self._new_scheduler()
        self.watch.sometimes.note(True, "killed")

    async def restart(self, scheduler: SimulatedScheduler) -> None:
        """Stop a scheduler in an orderly way and begin a new one."""
        await self.stop(scheduler)
        self.schedulers.append(await self._new_scheduler())

    async def stop(self, scheduler: SimulatedScheduler) -> None:
        """Stop a scheduler in an orderly way and check that nothing is left of it."""
        lease_id = scheduler.lease_id
        is_released = await scheduler.stop()
        self.schedulers.remove(scheduler)
        if is_released:
            await self.watch.check_stopped(lease_id, scheduler.executor.running)
        await self.look()

    def _executing(self) -> Mapping[int, Sequence[Workload]]:
        return {scheduler.lease_id: scheduler.executor.running for scheduler in self.schedulers}

    async def _end_due_tries(self) -> None:
        for scheduler in self.schedulers:
            if not scheduler.is_frozen:
                scheduler.executor.end_due()
                await self.keep_lease(scheduler)

    async def _new_scheduler(self) -> SimulatedScheduler:
        new = SimulatedScheduler(
            self.database,
            self._script,
            clock=self.clock,
            make_store=self._make_store,
            caller=self.watch.caller,
        )
        await new.start()
        return new
