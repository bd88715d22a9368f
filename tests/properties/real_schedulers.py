"""A load carried out for real: whole schedulers, each with connections of its own, on a real database.

Tries still only end as a script says, a thousand times as fast; nothing else is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

import anyio
import attrs
import sqlalchemy as sa

from flowcore.clock import SystemClock
from flowcore.database.engine import Database, open_database
from flowcore.database.queries.pools import put_pools
from flowcore.database.queries.register_dags import register_dag
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.database.tables import dag as dag_table
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.try_effects import load_effects
from flowcore.domain.dags import Dag
from flowcore.domain.pools import Pool
from flowcore.domain.retries import RetryRule
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import UsageError
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.testing import Load, Script, ScriptedExecutor, Snapshot, invariants, store_request
from flowcore.testing.clock import EPOCH
from flowcore.testing.scripted_calls import ListingCaller
from flowcore.testing.snapshots import DagRunRow, TaskInstanceRow

_SETTINGS = SchedulerSettings(grace_s=60.0, lease_s=120.0, safety_poll_s=1.0)
#: Far more than any load takes.
_STUCK_AFTER_S = 240.0
_SPEED = 1_000
#: Each scheduler has so many places, fewer than most loads could use.
_PARALLELISM = 3
_LOOK_EVERY_S = 0.05


async def carry_out(
    url: str, load: Load, *, schedulers: int, told: Callable[[Dag], Dag] = lambda dag: dag
) -> Snapshot:
    """Let so many schedulers carry a load out at once; what the database then says of its Dags.

    A planted fault is another Dag that they are `told`.
    """
    load, clock = hastened(load), SystemClock()
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(open_database(url)) for _ in range(schedulers)]
        await _set_up(databases[0], load, told)
        serving = [_scheduler(database, load.script) for database in databases]
        async with anyio.create_task_group() as nursery:
            for scheduler in serving:
                await nursery.start(scheduler.serve)
            for number, request in enumerate(load.requests):
                with suppress(UsageError):  # the same run is asked for twice
                    await databases[number % schedulers].run(store_request, request, number, now=clock.now())
            ended = await _wait_all_ended(databases[0], load)
            for scheduler in serving:
                scheduler.stop()
        return ended


def hastened(load: Load) -> Load:
    """The same load without waits that matter to people only."""

    def end(one):
        return attrs.evolve(one, duration_s=one.duration_s / _SPEED, waits_s=one.waits_s / _SPEED)

    script = Script(
        {key: end(one) for key, one in load.script.ends.items()},
        {key: end(one) for key, one in load.script.of_instances.items()},
    )
    dags = [
        attrs.evolve(dag, tasks=tuple(attrs.evolve(task, retry_rule=RetryRule(0.0)) for task in dag.tasks))
        for dag in load.dags
    ]
    return attrs.evolve(load, dags=tuple(dags), script=script)


def _scheduler(database: Database, script: Script) -> Scheduler:
    clock = SystemClock()
    executor = ScriptedExecutor(script, clock=clock, parallelism=_PARALLELISM)
    return Scheduler(
        SqlStore(database),
        {executor.name: executor},
        wakeups=database.wakeups,
        caller=ListingCaller(),
        clock=clock,
        settings=_SETTINGS,
    )


async def _set_up(database: Database, load: Load, told: Callable[[Dag], Dag]) -> None:
    await database.run(prepare)
    await database.run(put_pools, [Pool(name, slots) for name, slots in load.pools.items()])
    for dag in load.dags:
        await database.run(register_dag, told(dag), now=EPOCH, paused_at_creation=False)


async def _wait_all_ended(database: Database, load: Load) -> Snapshot:
    with anyio.fail_after(_STUCK_AFTER_S):
        while True:
            seen = await database.read(read_snapshot, list(load.dags_by_id))
            with suppress(AssertionError):
                invariants.check_runs_created(seen, load.dags, now=SystemClock().now())
                invariants.check_all_runs_ended(seen, load.dags_by_id)
                return seen
            await anyio.sleep(_LOOK_EVERY_S)


def read_snapshot(connection: sa.Connection, dag_ids: Sequence[str]) -> Snapshot:
    """What a database of any kind says of these Dags; nothing of pools, leases and limits."""
    rows = _rows(connection, task_instance, TaskInstanceRow, dag_ids)
    runs = _rows(connection, dag_run, DagRunRow, dag_ids)
    instances = [
        TaskInstanceRow(
            **{
                **row,
                "state": row["state"] and TaskInstanceState(row["state"]),
                "effects": load_effects(row["effects"]),
            }
        )
        for row in rows
    ]
    return Snapshot(
        SystemClock().now(),
        {row.id: row for row in instances},
        {run["id"]: DagRunRow(**{**run, "state": DagRunState(run["state"])}) for run in runs},
        {},
        {},
        _limits(connection, dag_ids),
    )


def _rows(connection: sa.Connection, table: sa.Table, kind: type, dag_ids: Sequence[str]):
    columns = [table.c[field.name] for field in attrs.fields(kind)]
    query = sa.select(*columns).where(table.c.dag_id.in_(dag_ids)).order_by(table.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]


def _limits(connection: sa.Connection, dag_ids: Sequence[str]) -> dict[str, int]:
    query = sa.select(dag_table.c.dag_id, dag_table.c.max_active_runs).where(dag_table.c.dag_id.in_(dag_ids))
    return {row.dag_id: row.max_active_runs for row in connection.execute(query)}
