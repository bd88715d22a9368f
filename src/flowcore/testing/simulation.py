"""Several schedulers on one database, stepped in a drawn order, with faults, watched after each step.

The routines, queries and decisions are the real ones; only time and the ends of tries are made up.
Whoever calls `step` draws what comes next: Hypothesis, to shrink what it finds, or a seeded random
number generator for long runs. Time is moved by hand, so both event loops will do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

import attrs

from flowcore.database.engine import open_database
from flowcore.errors import UsageError
from flowcore.scheduler.wake_graph import RoutineName
from flowcore.testing import invariants
from flowcore.testing.changes import Draw as Draw
from flowcore.testing.changes import draw_change
from flowcore.testing.clock import ManualClock
from flowcore.testing.faulty_database import DatabaseFault
from flowcore.testing.loads import Load, store_load, store_request
from flowcore.testing.simulated_cluster import SimulatedCluster
from flowcore.testing.simulated_scheduler import LEASE_S, MakeStore, SimulatedScheduler, shared_store
from flowcore.testing.sometimes import Sometimes
from flowcore.testing.watch import Watch

Action = Callable[[], Awaitable[object]]

#: Seconds by which time moves in a step: within a try, beyond it, and beyond a lease.
_LEAPS_S = (0.1, 1.0, 5.0, LEASE_S + 1)
#: Between two rounds in which nothing happens time moves on to what is foreseen; after so many of
#: them in a row, nothing ever will.
_QUIET_ROUNDS_MAX = 20
#: An enumeration is slow to go through, for something done in every step.
_ROUTINES, _FAULTS = tuple(RoutineName), tuple(DatabaseFault)


@attrs.frozen(kw_only=True)
class SimulationSettings:
    """How many schedulers, how often they may be killed or frozen, the database fail, and people change runs.

    `set_up` fills the empty database with a load, and `make_store` connects a scheduler with it.
    """

    schedulers: int = 2
    losses_max: int = 2
    database_faults_max: int = 4
    changes_max: int = 0
    set_up: Callable[..., None] = store_load
    make_store: MakeStore = shared_store


@asynccontextmanager
async def open_simulation(
    load: Load, settings: SimulationSettings | None = None, *, sometimes: Sometimes | None = None
) -> AsyncIterator[Simulation]:
    """Set a simulation up in a database of its own, for the duration of the block."""
    settings, clock = settings or SimulationSettings(), ManualClock()
    sometimes = sometimes or Sometimes()
    async with open_database("sqlite://", inline=True, clock=clock) as database:
        await database.run(settings.set_up, load)
        watch = Watch(database, clock, load.dags_by_id, sometimes)
        cluster = SimulatedCluster(database, clock, load.script, watch=watch, make_store=settings.make_store)
        simulation = Simulation(cluster, load, settings, sometimes)
        await cluster.start(settings.schedulers)
        yield simulation


class Simulation:
    """What may happen to a cluster, and what must be true of it. Made by `open_simulation`."""

    def __init__(
        self, cluster: SimulatedCluster, load: Load, settings: SimulationSettings, sometimes: Sometimes
    ) -> None:
        self.steps = 0
        self.cluster = cluster
        self._load, self._sometimes = load, sometimes
        self._requested = 0
        self._losses_left = settings.losses_max
        self._faults_left = settings.database_faults_max
        self._changes_left = settings.changes_max

    async def step(self, draw: Draw) -> None:
        """Do one of the things that may happen now, and check every invariant.

        Raises:
            AssertionError: one of them is broken.
        """
        actions = self._actions(draw)
        await actions[draw(len(actions))]()
        self.steps += 1
        await self.cluster.look()

    async def settle(self) -> None:
        """Heal all faults and let time pass until every run has ended.

        Raises:
            AssertionError: a run does not end, or an invariant is broken.
        """
        for scheduler in self.cluster.schedulers:
            scheduler.is_frozen = False
        while self._requested < len(self._load.requests):
            await self.request()
        quiet_rounds = 0
        while quiet_rounds < _QUIET_ROUNDS_MAX:
            before = self.cluster.watch.seen
            next_at = await self._round()
            if self.cluster.watch.has_changed_since(before):
                quiet_rounds = 0
            elif next_at is None:
                break
            else:
                quiet_rounds += 1
                await self.cluster.pass_time(max(0.0, (next_at - self.cluster.clock.now()).total_seconds()))
        invariants.check_runs_created(self.cluster.watch.seen, self._load.dags, now=self.cluster.clock.now())
        await self._call_back()
        await self.cluster.watch.check_settled(self._load.script)

    async def stop(self) -> None:
        """Stop all schedulers in an orderly way and check that nothing is left of them."""
        for scheduler in tuple(self.cluster.schedulers):
            await self.cluster.stop(scheduler)

    async def request(self) -> None:
        """Trigger the next run that the load asks for."""
        request, number = self._load.requests[self._requested], self._requested
        self._requested += 1
        now = self.cluster.clock.now()
        try:
            await self.cluster.database.run(store_request, request, number, now=now)
        except UsageError:
            self._sometimes.note(True, "run refused")

    async def thaw(self, scheduler: SimulatedScheduler) -> None:
        """Let it go on; it may report what it holds before it learns that its lease is gone."""
        scheduler.is_frozen = False
        scheduler.executor.end_due()
        await self.cluster.step(scheduler, RoutineName.APPLY_EXECUTOR_EVENTS)

    def _actions(self, draw: Draw) -> list[Action]:
        leaps: list[Action] = [partial(self.cluster.pass_time, leap_s) for leap_s in _LEAPS_S]
        actions = [*leaps, *leaps]  # twice, so that tries end often enough
        if self._requested < len(self._load.requests):
            actions.append(self.request)
        if self._changes_left and self.cluster.watch.seen.runs:
            # Above all while tries run, which they seldom do when a step is drawn.
            actions += [partial(self._change, draw)] * (6 if self.cluster.watch.seen.active else 1)
        for scheduler in self.cluster.schedulers:
            actions.extend(self._actions_of(scheduler, draw))
        return actions

    def _actions_of(self, scheduler: SimulatedScheduler, draw: Draw) -> list[Action]:
        cluster = self.cluster
        if scheduler.is_frozen:
            return [partial(self.thaw, scheduler)]
        actions: list[Action] = [partial(cluster.step, scheduler, name) for name in _ROUTINES]
        actions += [partial(cluster.keep_lease, scheduler), partial(cluster.restart, scheduler)]
        if self._losses_left:
            actions += [partial(self._kill, scheduler), partial(self._freeze, scheduler)]
        if self._faults_left:
            actions += [partial(self._fail, scheduler, fault, draw) for fault in _FAULTS]
        return actions

    async def _round(self) -> datetime | None:
        """Let everybody do everything once; when the next thing is due that is foreseen."""
        foreseen: list[datetime | None] = []
        for scheduler in tuple(self.cluster.schedulers):
            await self.cluster.keep_lease(scheduler)
            for name in _ROUTINES:
                next_at = await self.cluster.step(scheduler, name)
                self.steps += 1
                # Leases lapse for ever; that matters while something is under one.
                if name is not RoutineName.RECOVER_TASK_INSTANCES or self.cluster.watch.seen.holding:
                    foreseen.append(next_at)
            foreseen.append(scheduler.executor.next_end_at)
            if scheduler.coming_reports:
                # Of a try that was revoked after the reports had been written.
                foreseen.append(self.cluster.clock.now())
        return min((at for at in foreseen if at is not None), default=None)

    async def _call_back(self) -> None:
        """Let callbacks of Dags be called that were left, also by processes that are gone."""
        for _ in range(_QUIET_ROUNDS_MAX):
            if not await self.cluster.watch.has_open_callbacks():
                return
            await self.cluster.pass_time(LEASE_S / 2)
            await self._round()

    async def _change(self, draw: Draw) -> None:
        self._changes_left -= 1
        seen = self.cluster.watch.seen
        chosen = sorted({row.dag_run_id for row in seen.active}) or sorted(seen.runs)
        run = seen.runs[chosen[draw(len(chosen))]]
        change = draw_change(draw, run, self._load.dags_by_id[run.dag_id], self.cluster.clock.now())
        await self.cluster.database.run(change)
        await self.cluster.look(by_hand=True)

    async def _kill(self, scheduler: SimulatedScheduler) -> None:
        self._losses_left -= 1
        await self.cluster.replace(scheduler)

    async def _freeze(self, scheduler: SimulatedScheduler) -> None:
        self._losses_left -= 1
        scheduler.is_frozen = True

    async def _fail(self, scheduler: SimulatedScheduler, fault: DatabaseFault, draw: Draw) -> None:
        self._faults_left -= 1
        name = _ROUTINES[draw(len(_ROUTINES))]
        scheduler.database.fault = fault
        await self.cluster.step(scheduler, name)
        scheduler.database.fault = None
