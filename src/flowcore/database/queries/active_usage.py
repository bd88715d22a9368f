"""Count what tries hold that may be alive: derived from the rows, so exact after any crash.

Each count reads as much as its limit allows to be held, and nothing is counted that has no limit.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from flowcore.database.queries.claims import holds_slots, names
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_instance
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage

_t = task_instance.c
_POOL_USAGE = (
    sa.select(_t.pool, _t.dag_id, sa.func.sum(_t.pool_slots))
    .where(holds_slots(_t.lease_id), _t.pool_slots > sa.literal_column("0"), _t.pool.in_(names("pools")))
    .group_by(_t.pool, _t.dag_id)
)
_runs = rows_of("runs", dag_id=sa.Text, id=sa.BigInteger)
#: A scalar subquery, because a join would be planned by reading all that is active.
_RUN_USAGE = sa.select(
    _runs.c.id,
    sa.select(sa.func.count())
    .where(_t.dag_id == _runs.c.dag_id, _t.dag_run_id == _runs.c.id)
    .where(holds_slots(_t.lease_id))
    .scalar_subquery(),
)
_tasks = rows_of("tasks", dag_id=sa.Text, task_id=sa.Text)
_TASK_USAGE = (
    sa.select(_t.dag_id, _t.task_id, _t.dag_run_id, sa.func.count())
    .join(_tasks, sa.and_(_tasks.c.dag_id == _t.dag_id, _tasks.c.task_id == _t.task_id))
    .where(holds_slots(_t.lease_id))
    .group_by(_t.dag_id, _t.task_id, _t.dag_run_id)
)


def count_pools(connection: sa.Connection, usage: ActiveUsage, pools: Collection[str]) -> None:
    """Count the slots that are taken of these pools, by Dag."""
    if not pools:
        return
    for name, dag_id, slots in connection.execute(_POOL_USAGE, {"pools": dump_rows((p,) for p in pools)}):
        usage.pool_slots[name] += int(slots)
        usage.per_dag[name, dag_id] += int(slots)


def count_runs(connection: sa.Connection, usage: ActiveUsage, runs: Collection[tuple[str, int]]) -> None:
    """Count the tries of these runs, each given with its Dag."""
    if runs:
        for dag_run_id, count in connection.execute(_RUN_USAGE, {"runs": dump_rows(runs)}):
            usage.per_run[dag_run_id] = count


def count_tasks(connection: sa.Connection, usage: ActiveUsage, tasks: Collection[tuple[str, str]]) -> None:
    """Count the tries of these tasks, each given with its Dag."""
    if not tasks:
        return
    for dag_id, task_id, dag_run_id, count in connection.execute(_TASK_USAGE, {"tasks": dump_rows(tasks)}):
        usage.per_task[dag_id, task_id] += count
        usage.per_run_task[dag_run_id, task_id] += count
