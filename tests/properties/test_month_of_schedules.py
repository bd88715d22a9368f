"""I2 over the real service in virtual time: due windows and runs match one to one."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.engine import Database, open_database
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.database.tables import dag_run
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.testing import Script, ScriptedExecutor, run_in_virtual_time
from flowcore.testing.clock import LoopClock
from flowcore.testing.scripted_calls import ListingCaller
from tests.properties.month_of_schedules import DAYS, Windows, catalogue

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_MONTH_S = timedelta(days=DAYS).total_seconds()
#: Months in which the clocks of all three zones change.
_SPRING, _AUTUMN = datetime(2024, 3, 9, 0, 7, tzinfo=UTC), datetime(2024, 10, 5, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize("begin", [_SPRING, _AUTUMN], ids=["spring", "autumn"])
def test_a_month_of_fifty_dags_has_each_due_run_once_and_no_other(begin: datetime) -> None:
    cases = catalogue(begin)
    found = run_in_virtual_time(partial(_a_month, [case.dag for case in cases], LoopClock(begin)))
    for case in cases:
        assert found[case.dag.dag_id] == case.expected, case.dag.dag_id


async def _a_month(dags, clock: LoopClock) -> Mapping[str, Windows]:
    async with open_database("sqlite://", inline=True, clock=clock) as database:
        await database.run(prepare)
        for dag in dags:
            await database.run(register_dag, dag.compile(), now=clock.now(), paused_at_creation=False)
        await _serve(database, clock)
        return await database.read(_windows)


async def _serve(database: Database, clock: LoopClock) -> None:
    executor = ScriptedExecutor(Script(), clock=clock, parallelism=1000)
    scheduler = Scheduler(
        SqlStore(database),
        {executor.name: executor},
        caller=ListingCaller(),
        wakeups=database.wakeups,
        clock=clock,
        settings=SchedulerSettings(safety_poll_s=math.inf, lease_s=2 * _MONTH_S, grace_s=5.0, seed=0),
    )
    async with anyio.create_task_group() as nursery:
        await nursery.start(scheduler.serve)
        # Nothing is due in the last minute.
        await anyio.sleep(_MONTH_S - 30)
        scheduler.stop()


def _windows(connection: sa.Connection) -> Mapping[str, Windows]:
    found = defaultdict(tuple)
    columns = (dag_run.c.dag_id, dag_run.c.data_interval_start, dag_run.c.data_interval_end)
    for dag_id, start, end in connection.execute(sa.select(*columns).order_by(dag_run.c.logical_date)):
        found[dag_id] += ((start, end),)
    return found
