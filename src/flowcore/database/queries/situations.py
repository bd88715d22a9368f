"""Read what may keep one task instance from running; `decisions/explain.py` says what follows from it.

Nothing of it is kept for this: it is derived when somebody asks, from the rows that the scheduler itself
decides on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.claims import holds_slots, literal, names, state_of
from flowcore.database.queries.listing_dags import dag_not_found
from flowcore.database.queries.past_tasks import HeldTasks, let_by_past
from flowcore.database.queries.slot_holds import read_holds
from flowcore.database.rows import dump_rows
from flowcore.database.tables import backfill, dag, dag_run, lease, pool, task_instance, task_try
from flowcore.database.types import UtcDateTime, database_now
from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.errors import DagRunNotFound, TaskNotFound
from flowcore.scheduler.decisions.enqueue_task_instances import PATIENCE
from flowcore.scheduler.decisions.situations import (
    EarlierTries,
    Holder,
    PoolSituation,
    RunSituation,
    Situation,
)

Row = sa.Row[*tuple[Any, ...]]

_t, _r = task_instance.c, dag_run.c
_RUN = (
    sa.select(dag_run, dag.c.is_active, dag.c.is_paused, dag.c.max_active_runs)
    .join_from(dag_run, dag, dag.c.dag_id == _r.dag_id)
    .where(_r.dag_id == sa.bindparam("dag"), _r.run_id == sa.bindparam("run"))
)
_BACKFILL = sa.select(backfill.c.is_paused, backfill.c.max_active_runs).where(
    backfill.c.id == sa.bindparam("backfill"), backfill.c.completed_at.is_(None)
)
_RUNNING_RUNS = (
    sa.select(sa.func.count())
    .select_from(dag_run)
    .where(_r.dag_id == sa.bindparam("dag"), _r.state == literal("running"))
)
_RUNNING_OF_BACKFILL = _RUNNING_RUNS.where(_r.backfill_id == sa.bindparam("backfill"))
_ONE = sa.select(task_instance).where(
    _t.dag_run_id == sa.bindparam("run"),
    _t.task_id == sa.bindparam("task"),
    _t.map_index == sa.bindparam("map_index"),
)
_OF_TASKS = sa.select(_t.task_id, _t.state).where(
    _t.dag_run_id == sa.bindparam("run"), _t.task_id.in_(names("tasks"))
)
_held = sa.select(sa.func.count()).select_from(task_instance).where(holds_slots(_t.lease_id))
_HELD_OF_RUN = _held.where(_t.dag_id == sa.bindparam("dag"), _t.dag_run_id == sa.bindparam("run"))
_HELD_OF_TASK = _held.where(_t.dag_id == sa.bindparam("dag"), _t.task_id == sa.bindparam("task"))
_HELD_OF_BOTH = _HELD_OF_RUN.where(_t.task_id == sa.bindparam("task"))
_USED = sa.select(sa.func.coalesce(sa.func.sum(_t.pool_slots), 0)).where(
    _t.pool == sa.bindparam("pool"), holds_slots(_t.lease_id), _t.pool_slots > sa.literal_column("0")
)
_IS_KEPT = sa.select(
    sa.exists().where(
        _t.pool == sa.bindparam("pool"),
        _t.state == literal("scheduled"),
        _t.scheduled_at <= sa.bindparam("since", type_=UtcDateTime),
        _t.pool_slots > sa.bindparam("free"),
        _t.id != sa.bindparam("self"),
    )
)
_HOLDER = sa.select(
    lease.c.pid, lease.c.hostname, (lease.c.expires_at > database_now()).label("is_alive")
).where(lease.c.id == sa.bindparam("lease"))
_SCHEDULERS = sa.select(sa.func.count()).where(
    lease.c.kind == literal("scheduler"), lease.c.expires_at > database_now()
)
_TRIES = sa.select(task_try.c.start_date, task_try.c.end_date).where(
    task_try.c.task_instance_id == sa.bindparam("self")
)


def read_situation(
    connection: sa.Connection, dag_id: str, run_id: str, task_id: str, map_index: int, *, now: datetime
) -> Situation:
    """Read the situation of a task instance; of one that is not there yet, because its run waits, too.

    Raises:
        DagNotFound, DagRunNotFound, TaskNotFound: there is none of that name.
    """
    run = connection.execute(_RUN, {"dag": dag_id, "run": run_id}).one_or_none()
    if run is None:
        is_known = connection.scalar(sa.select(sa.exists().where(dag.c.dag_id == dag_id)))
        raise DagRunNotFound(dag_id, run_id) if is_known else dag_not_found(connection, dag_id)
    [of] = DagVersions().get(connection, [run.dag_version_id]).values()
    position = of.position_of.get(task_id)
    if position is None:
        raise TaskNotFound(dag_id, task_id)
    task = of.tasks[position]
    row = connection.execute(_ONE, {"run": run.id, "task": task_id, "map_index": map_index}).one_or_none()
    keys = {"dag": dag_id, "run": run.id, "task": task_id}
    name, wanted = (task.pool, task.pool_slots) if row is None else (row.pool, row.pool_slots)
    upstream = _upstream(connection, run.id, of, task)
    situation = Situation(
        now=now,
        task=task,
        pool=name,
        pool_slots=wanted,
        state=None if row is None else state_of(row.state),
        run=_run(connection, run, of, keys),
        slots=_slots(connection, name, row, now),
        upstream=upstream,
        is_held_by_past=not upstream and _is_held_by_past(connection, run.id, of, task),
        tries_in_dag=_count(connection, _HELD_OF_TASK, keys),
        tries_in_run=_count(connection, _HELD_OF_BOTH, keys),
        schedulers=_count(connection, _SCHEDULERS, {}),
    )
    if row is None:
        return situation
    situation = _with_row(connection, situation, row)
    return attrs.evolve(situation, holds=read_holds(connection, situation, row))


def _run(connection: sa.Connection, run: Row, of: Dag, keys: Mapping[str, Any]) -> RunSituation:
    limits, count = run, _RUNNING_RUNS
    if run.backfill_id is not None:
        of_backfill = connection.execute(_BACKFILL, {"backfill": run.backfill_id}).one_or_none()
        limits, count = (run, count) if of_backfill is None else (of_backfill, _RUNNING_OF_BACKFILL)
    running = _count(connection, count, {"dag": run.dag_id, "backfill": run.backfill_id})
    return RunSituation(
        state=DagRunState(run.state),
        queued_at=run.queued_at,
        run_after=run.run_after,
        start_date=run.start_date,
        running_runs=running,
        max_active_runs=limits.max_active_runs,
        is_paused=run.is_paused or limits.is_paused,
        is_active=run.is_active,
        max_active_tasks=of.max_active_tasks,
        active_tasks=_count(connection, _HELD_OF_RUN, keys),
    )


def _slots(connection: sa.Connection, name: str, row: Row | None, now: datetime) -> PoolSituation | None:
    slots = connection.scalar(sa.select(pool.c.slots).where(pool.c.name == name))
    if slots is None:
        return None
    used = _count(connection, _USED, {"pool": name})
    kept = {"pool": name, "since": now - PATIENCE, "free": slots - used, "self": 0 if row is None else row.id}
    return PoolSituation(
        slots=slots, used=used, is_kept=slots >= 0 and bool(connection.scalar(_IS_KEPT, kept))
    )


def _count(connection: sa.Connection, count: sa.Select[Any], keys: Mapping[str, Any]) -> int:
    return int(connection.scalar(count, keys) or 0)


def _upstream(connection: sa.Connection, run: int, of: Dag, task: Task) -> Mapping[str, str]:
    """The direct upstream tasks that are not done, with what their task instances are doing."""
    before = [of.tasks[position].task_id for position in task.upstream]
    states: dict[str, Counter[str]] = {task_id: Counter() for task_id in before}
    rows = connection.execute(_OF_TASKS, {"run": run, "tasks": dump_rows((task_id,) for task_id in before)})
    for row in rows:
        states[row.task_id][row.state or "waiting itself"] += 1
    return {task_id: _told(counts) for task_id, counts in states.items() if _is_open(counts)}


def _is_held_by_past(connection: sa.Connection, run: int, of: Dag, task: Task) -> bool:
    if not task.depends_on_past:
        return False
    held = HeldTasks(run, of, frozenset({task.position}))
    return task.position not in let_by_past(connection, [held])[run]


def _is_open(counts: Counter[str]) -> bool:
    return not counts or any(state not in FINISHED for state in counts)


def _told(counts: Counter[str]) -> str:
    open_ones = {state: n for state, n in counts.items() if state not in FINISHED}
    if counts.total() <= 1:
        return next(iter(open_ones), "waiting itself")
    return ", ".join(f"{n} of {counts.total()} {state}" for state, n in open_ones.items())


def _with_row(connection: sa.Connection, situation: Situation, row: Row) -> Situation:
    holder = connection.execute(_HOLDER, {"lease": row.lease_id}).one_or_none()
    tries = connection.execute(_TRIES, {"self": row.id}).all()
    return attrs.evolve(
        situation,
        holder=None if holder is None else Holder(**holder._mapping),
        earlier=_earlier(tries),
        scheduled_at=row.scheduled_at,
        queued_at=None if situation.state is TaskInstanceState.SCHEDULED else row.queued_at,
        start_date=row.start_date,
        end_date=row.end_date,
        due_at=row.due_at,
        retry_reason=row.reason,
    )


def _earlier(tries: Sequence[Row]) -> EarlierTries:
    ran = [
        (row.end_date - row.start_date).total_seconds() for row in tries if row.start_date and row.end_date
    ]
    ends = [row.end_date for row in tries if row.end_date]
    return EarlierTries(count=len(tries), ran_s=sum(ran), ended_at=max(ends, default=None))
