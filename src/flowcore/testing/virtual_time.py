"""The real `Scheduler.serve` in virtual time: hours pass in moments, and only events make anything happen.

For trio only: virtual time is its `MockClock`, which leaps to the next deadline whenever all tasks
wait. With the safety poll off, a wake-up that is lost is lost for ever, so that every run ends only
if none is (I6).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import anyio
import attrs
import sqlalchemy as sa
import trio.testing

from flowcore.clock import Clock
from flowcore.concurrency.wakeups import Wakeups
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.store import SqlStore
from flowcore.errors import UsageError
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.testing import invariants
from flowcore.testing.clock import LoopClock
from flowcore.testing.loads import Load, store_load, store_request
from flowcore.testing.scripted_calls import ListingCaller
from flowcore.testing.scripted_executor import ScriptedExecutor
from flowcore.testing.snapshots import Snapshot

T = TypeVar("T")

#: Virtual seconds after which a load of this kit is stuck.
_HORIZON_S = 10_000.0
#: Every schedule of a load has created its last run after this many virtual seconds.
LAST_SCHEDULED_S = 120.0
_LOOK_EVERY_S = 10.0
_SETTINGS = SchedulerSettings(safety_poll_s=math.inf, lease_s=_HORIZON_S, grace_s=5.0, seed=0)


def run_in_virtual_time(main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` under trio with a clock that leaps whenever every task waits."""
    return anyio.run(
        main, backend="trio", backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)}
    )


@attrs.frozen(kw_only=True)
class ServiceParts:
    """What a served load is made of; a test that plants a fault replaces one of them.

    `changes` are units of work that people carry out, each so many virtual seconds after the runs were
    triggered.
    """

    make_wakeups: Callable[[], Wakeups] = Wakeups
    make_store: Callable[[Database], SqlStore] = SqlStore
    settings: SchedulerSettings = _SETTINGS
    changes: Sequence[tuple[float, Callable[[sa.Connection], object]]] = ()


async def serve_load(
    load: Load, parts: ServiceParts | None = None, *, stop_after_s: float | None = None
) -> Snapshot:
    """Let a real scheduler carry out a load, stop it, and check what it leaves; the database in the end.

    Dags are registered and runs triggered while it serves, a moment apart. With `stop_after_s` it is
    stopped after so many virtual seconds, done or not.

    Raises:
        AssertionError: a run does not end, ends otherwise than the script says, or a stop leaves
            something behind.
    """
    parts, clock = parts or ServiceParts(), LoopClock()
    async with open_database("sqlite://", inline=True, clock=clock) as database:
        database.wakeups = parts.make_wakeups()
        await database.run(store_load, attrs.evolve(load, dags=()), now=clock.now())
        served = await _serve(database, clock, load, parts, stop_after_s)
        invariants.check_no_orphans(served)
        assert not served.active, f"tries were not given back: {[str(row) for row in served.active]}"
        assert not served.leases, f"leases were not released: {sorted(served.leases)}"
        if stop_after_s is None:
            invariants.check_all_runs_ended(served, load.dags_by_id)
            invariants.check_runs_created(served, load.dags, now=clock.now())
        invariants.check_confluence(served, load.dags_by_id, load.script)
        return served


async def _serve(
    database: Database, clock: Clock, load: Load, parts: ServiceParts, stop_after_s: float | None
) -> Snapshot:
    executor = ScriptedExecutor(load.script, clock=clock, parallelism=6)
    scheduler = Scheduler(
        parts.make_store(database),
        {executor.name: executor},
        caller=ListingCaller(),
        wakeups=database.wakeups,
        clock=clock,
        settings=parts.settings,
    )
    async with anyio.create_task_group() as nursery:
        await nursery.start(scheduler.serve)
        with anyio.move_on_after(_HORIZON_S / 2 if stop_after_s is None else stop_after_s):
            await _ask(database, clock, load)
            for after_s, change in parts.changes:
                await anyio.sleep(after_s)
                await database.run(change)
            await _wait_all_ended(database, load)
        scheduler.stop()
    return await database.read(Snapshot.read)


async def _ask(database: Database, clock: Clock, load: Load) -> None:
    for dag in load.dags:
        await database.run(register_dag, dag, now=clock.now(), paused_at_creation=False)
        await anyio.sleep(0.3)
    for number, request in enumerate(load.requests):
        with suppress(UsageError):  # the same run is asked for twice
            await database.run(store_request, request, number, now=clock.now())
        await anyio.sleep(0.3)


async def _wait_all_ended(database: Database, load: Load) -> None:
    await anyio.sleep(LAST_SCHEDULED_S)
    while True:
        seen = await database.read(Snapshot.read)
        if not [*invariants.runs_that_should_end(seen, load.dags_by_id)]:
            return
        # Not woken by the scheduler's own wake-ups: a test may have planted a fault in them.
        await anyio.sleep(_LOOK_EVERY_S)
