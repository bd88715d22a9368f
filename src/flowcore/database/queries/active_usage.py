"""Count what tries hold that may be alive: derived from the rows, so exact after any crash."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from flowcore.database.queries.claims import holds_slots
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_instance
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage, Candidate

_t = task_instance.c
_USAGE = (
    sa.select(_t.pool, _t.dag_run_id, sa.func.sum(_t.pool_slots), sa.func.count())
    .where(holds_slots(_t.state, _t.lease_id))
    .group_by(_t.pool, _t.dag_run_id)
)
_tasks = rows_of("tasks", dag_id=sa.Text, task_id=sa.Text)
_TASK_USAGE = (
    sa.select(_t.dag_id, _t.task_id, _t.dag_run_id, sa.func.count())
    .join(_tasks, sa.and_(_tasks.c.dag_id == _t.dag_id, _tasks.c.task_id == _t.task_id))
    .where(holds_slots(_t.state, _t.lease_id))
    .group_by(_t.dag_id, _t.task_id, _t.dag_run_id)
)


def count_usage(connection: sa.Connection) -> ActiveUsage:
    """Count slots per pool and task instances per run."""
    usage = ActiveUsage()
    for pool, dag_run_id, slots, n in connection.execute(_USAGE):
        usage.pool_slots[pool] += int(slots)
        usage.per_run[dag_run_id] += n
    return usage


def count_tasks(connection: sa.Connection, usage: ActiveUsage, candidates: Iterable[Candidate]) -> None:
    """Add the counts of tasks that have limits of their own, if `usage` does not know them yet."""
    limited = {
        (candidate.dag_id, candidate.task.task_id)
        for candidate in candidates
        if candidate.task.max_active_tis_per_dag is not None
        or candidate.task.max_active_tis_per_dagrun is not None
    }
    unknown = limited - usage.counted_tasks
    if not unknown:
        return
    usage.counted_tasks |= unknown
    for dag_id, task_id, dag_run_id, n in connection.execute(_TASK_USAGE, {"tasks": dump_rows(unknown)}):
        usage.per_task[dag_id, task_id] += n
        usage.per_run_task[dag_run_id, task_id] += n
