from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from flowcore.clock import SystemClock
from flowcore.concurrency.supervision import RoutineBroken
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.queries.triggering import trigger_dag_run
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.database.tables import lease, task_instance
from flowcore.errors import DatabaseUnavailable
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.scheduler.store import Batch, DecideStarts
from flowcore.scheduler.wake_graph import Channel, RoutineName
from flowcore.testing.scripted_calls import ListingCaller
from tests.support.held_executor import HeldExecutor
from tests.support.scheduling import single


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """A database of its own kind for each test, without threads."""
    async with open_database("sqlite:///:memory:", inline=True) as database:
        await database.run(prepare)
        yield database


@pytest.fixture
def executor() -> HeldExecutor:
    return HeldExecutor()


def scheduler_on(
    database: Database, executor: HeldExecutor, store: SqlStore | None = None, **settings: Any
) -> Scheduler:
    return Scheduler(
        store or SqlStore(database),
        {executor.name: executor},
        caller=ListingCaller(),
        wakeups=database.wakeups,
        clock=SystemClock(),
        settings=SchedulerSettings(**settings),
    )


@asynccontextmanager
async def serving(scheduler: Scheduler) -> AsyncIterator[Scheduler]:
    with anyio.fail_after(30):
        async with anyio.create_task_group() as nursery:
            await nursery.start(scheduler.serve)
            yield scheduler
            scheduler.stop()


def served(
    database: Database, executor: HeldExecutor, **settings: Any
) -> AbstractAsyncContextManager[Scheduler]:
    return serving(scheduler_on(database, executor, **settings))


async def trigger(database: Database) -> None:
    now = SystemClock().now()
    await database.run(register_dag, single(), now=now, paused_at_creation=False)
    arguments: dict[str, Any] = {"conf": {}, "run_id": None, "logical_date": None}
    await database.run(trigger_dag_run, dag_id="etl", now=now, **arguments)


async def states(database: Database) -> list[str]:
    query = sa.select(task_instance.c.state).order_by(task_instance.c.id)
    return await database.read(lambda connection: list(connection.scalars(query)))


async def leases(database: Database) -> int:
    query = sa.select(sa.func.count()).select_from(lease)
    return await database.read(lambda connection: connection.execute(query).scalar_one())


async def execute(database: Database, statement: sa.Executable) -> None:
    await database.run(lambda connection: connection.execute(statement).close())


async def test_a_triggered_run_is_carried_out(database: Database, executor: HeldExecutor) -> None:
    async with served(database, executor):
        await trigger(database)
        await executor.wait_submitted()
        seen = database.wakeups.version(Channel.RUNS_ENDED)
        executor.end_all()
        await database.wakeups.after(Channel.RUNS_ENDED, seen)
        assert await states(database) == ["success"]


async def test_the_lease_lives_as_long_as_the_scheduler(database: Database, executor: HeldExecutor) -> None:
    async with served(database, executor) as scheduler:
        assert await leases(database) == 1
    assert await leases(database) == 0
    assert scheduler.is_released


async def test_a_stop_lets_running_tries_end_and_claims_no_more(
    database: Database, executor: HeldExecutor
) -> None:
    async with served(database, executor) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        scheduler.stop()
        await anyio.wait_all_tasks_blocked()
        await trigger(database)
        await anyio.wait_all_tasks_blocked()
        assert len(executor.submitted) == 1
        executor.end_all()
    assert await states(database) == ["success"]


async def test_reports_that_come_with_the_stop_are_written(
    database: Database, executor: HeldExecutor
) -> None:
    async with served(database, executor) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        executor.end_all()
        scheduler.stop()
        scheduler.stop()
    assert await states(database) == ["success"]
    assert scheduler.statistics().reports_waiting == 0


async def test_tries_are_given_back_when_the_grace_period_is_over(
    database: Database, executor: HeldExecutor
) -> None:
    async with served(database, executor, grace_s=0.05) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
    assert await states(database) == ["scheduled"]
    assert scheduler.is_released


async def test_a_second_stop_skips_the_grace_period(database: Database, executor: HeldExecutor) -> None:
    async with served(database, executor, grace_s=600) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        scheduler.stop()
        await anyio.wait_all_tasks_blocked()
        scheduler.stop()
    assert await states(database) == ["scheduled"]


async def test_a_cancellation_gives_tries_back_at_once(database: Database, executor: HeldExecutor) -> None:
    scheduler = scheduler_on(database, executor, grace_s=600)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as nursery:
            await nursery.start(scheduler.serve)
            await trigger(database)
            await executor.wait_submitted()
            nursery.cancel_scope.cancel()
    assert await states(database) == ["scheduled"]
    assert await leases(database) == 0


async def test_a_stop_before_the_start_starts_no_work(database: Database, executor: HeldExecutor) -> None:
    await trigger(database)
    scheduler = scheduler_on(database, executor)
    scheduler.stop()
    with anyio.fail_after(30):
        await scheduler.serve()
        await scheduler.wait_stopped()
    assert executor.submitted == []
    assert await leases(database) == 0


async def test_a_try_that_cannot_be_stopped_keeps_the_lease(
    database: Database, executor: HeldExecutor
) -> None:
    async with served(database, executor, grace_s=0.01) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        executor.running.clear()  # as a function that goes on in its thread: nothing is reported
    assert not scheduler.is_released
    assert await leases(database) == 1


async def test_a_lost_lease_begins_afresh(database: Database, executor: HeldExecutor) -> None:
    async with served(database, executor, lease_s=0.1) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        await execute(database, lease.delete())
        await execute(database, sa.text("UPDATE task_instance SET state = 'scheduled', token = token + 1"))
        await executor.wait_submitted(2)
        executor.end_all()
    assert executor.serving == 2
    assert executor.submitted[1].token > executor.submitted[0].token
    assert await states(database) == ["success"]
    assert scheduler.statistics().reports_refused == 1


class ForgetfulStore(SqlStore):
    """The lease is lost once, and the database is away just then."""

    acquired = 0
    renewals = 0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.recovered = anyio.Event()

    async def acquire_lease(self, ttl_s: float) -> None:
        self.acquired += 1
        if self.acquired == 2:
            raise DatabaseUnavailable("the server is gone")
        await super().acquire_lease(ttl_s)

    async def renew_lease(self, ttl_s: float) -> bool:
        self.renewals += 1
        if self.renewals == 1:
            raise DatabaseUnavailable("the server is gone")
        if self.renewals == 2:
            return False
        self.recovered.set()
        return await super().renew_lease(ttl_s)


async def test_a_database_that_is_away_does_not_end_the_scheduler(
    database: Database, executor: HeldExecutor
) -> None:
    store = ForgetfulStore(database)
    async with serving(scheduler_on(database, executor, store, lease_s=0.03)):
        await store.recovered.wait()
        await trigger(database)
        await executor.wait_submitted()
        executor.end_all()
    assert store.acquired == 3
    assert await states(database) == ["success"]


class BrokenStore(SqlStore):
    """One routine fails in each step."""

    async def expire(self, **arguments: Any) -> Batch:
        raise ValueError("bug")


class BreaksOnceARunHasStarted(SqlStore):
    """From then on one routine fails in each step."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._started = anyio.Event()

    async def start_dag_runs(self, decide: DecideStarts, *, now: datetime, limit: int) -> Batch:
        batch = await super().start_dag_runs(decide, now=now, limit=limit)
        if batch.moved:
            self._started.set()
        return batch

    async def expire(self, **arguments: Any) -> Batch:
        await self._started.wait()
        raise ValueError("bug")


async def test_a_routine_that_keeps_failing_ends_the_scheduler(
    database: Database, executor: HeldExecutor
) -> None:
    scheduler = scheduler_on(database, executor, BreaksOnceARunHasStarted(database), unhealthy_after_s=0.05)
    await trigger(database)
    with pytest.RaisesGroup(RoutineBroken, flatten_subgroups=True):
        await scheduler.serve()
    assert await states(database) == ["scheduled"]
    assert await leases(database) == 0


async def test_a_routine_that_fails_is_shown_and_leaves_the_others_alone(
    database: Database, executor: HeldExecutor
) -> None:
    async with serving(scheduler_on(database, executor, BrokenStore(database))) as scheduler:
        await trigger(database)
        await executor.wait_submitted()
        executor.end_all()
    health = scheduler.statistics().routines
    assert set(health) == set(RoutineName)
    assert health["expire"].last_error == "ValueError: bug"
    assert health["enqueue_task_instances"].failures == 0
