"""Insert the task instances of starting runs, and those that mapped tasks get, with one statement each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.queries.planner_statistics import note_growth
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import dag_run, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.domain.dags import Dag
from flowcore.domain.states import FINISHED, TaskInstanceState
from flowcore.domain.task_mapping import NOT_MAPPED
from flowcore.scheduler.decisions.run_changes import Key, RunChanges

_ROWS = rows_of(
    "task_instances",
    dag_run_id=sa.BigInteger,
    dag_id=sa.Text,
    run_date=UtcDateTime,
    task_id=sa.Text,
    position=sa.Integer,
    map_index=sa.Integer,
    state=sa.Text,
    try_number=sa.Integer,
    max_tries=sa.Integer,
    pool=sa.Text,
    pool_slots=sa.Integer,
    priority_weight=sa.Integer,
    executor=sa.Text,
    runs_in=sa.Text,
    scheduled_at=UtcDateTime,
    end_date=UtcDateTime,
)
_COLUMNS = [*_ROWS.c.keys(), "lost_tries", "token"]
_SOURCE = sa.select(_ROWS, sa.literal_column("0"), sa.literal_column("0"))
_INSERT = task_instance.insert().from_select(_COLUMNS, _SOURCE, include_defaults=False)
_there = task_instance.alias("there")
_is_there = sa.exists().where(_there.c.dag_run_id == _ROWS.c.dag_run_id, _there.c.task_id == _ROWS.c.task_id)
_INSERT_MISSING = task_instance.insert().from_select(
    _COLUMNS, _SOURCE.where(~_is_there), include_defaults=False
)

_first = rows_of("first", dag_run_id=sa.BigInteger, task_id=sa.Text)
#: What stood for all instances of a mapped task becomes the first of them.
_BECOME_FIRST = (
    task_instance.update()
    .values(map_index=0)
    .where(
        task_instance.c.dag_run_id == _first.c.dag_run_id,
        task_instance.c.task_id == _first.c.task_id,
        task_instance.c.map_index == -1,
    )
)
_RUN_DATES = sa.select(
    dag_run.c.id, sa.func.coalesce(dag_run.c.logical_date, dag_run.c.run_after).label("run_date")
).where(dag_run.c.id.in_(ids("runs")))

#: States of task instances by position and map index.
States = Mapping[Key, TaskInstanceState | None]
#: A run: its id, its run date, its Dag, and the task instances to insert.
Beginning = tuple[int, datetime, Dag, States]


def insert_missing_task_instances(
    connection: sa.Connection, begun: Iterable[tuple[int, datetime, Dag]], *, now: datetime
) -> None:
    """Insert task instances for the tasks that have none yet."""
    rows = [
        row
        for run_id, run_date, dag in begun
        for row in _rows(
            run_id, run_date, dag, {(task.position, NOT_MAPPED): None for task in dag.tasks}, now=now
        )
    ]
    connection.execute(unanswered(_INSERT_MISSING), {"task_instances": dump_rows(rows)})


def insert_task_instances(connection: sa.Connection, begun: Iterable[Beginning], *, now: datetime) -> None:
    """Insert task instances."""
    rows = [row for run in begun for row in _rows(*run, now=now)]
    if rows:
        connection.execute(unanswered(_INSERT), {"task_instances": dump_rows(rows)})
        note_growth(connection, inserted=len(rows))


def insert_expansions(
    connection: sa.Connection, expanded: Mapping[int, tuple[Dag, RunChanges]], *, now: datetime
) -> None:
    """Give mapped tasks of these runs their instances, those that are new in their first states."""
    first = [
        (run_id, dag.tasks[position].task_id)
        for run_id, (dag, changes) in expanded.items()
        for position, new in changes.expansions.items()
        if new.start == 0
    ]
    if first:
        connection.execute(unanswered(_BECOME_FIRST), {"first": dump_rows(first)})
    keys = dump_rows((run_id,) for run_id in expanded)
    dates = {row.id: row.run_date for row in connection.execute(_RUN_DATES, {"runs": keys})}
    inserted = (
        (run_id, dates[run_id], dag, {key: changes.states.get(key) for key in added_keys(changes)})
        for run_id, (dag, changes) in expanded.items()
    )
    insert_task_instances(connection, inserted, now=now)


def added_keys(changes: RunChanges) -> Iterator[Key]:
    """The task instances that are new."""
    for position, new in changes.expansions.items():
        yield from ((position, index) for index in new if index > 0)


def _rows(
    dag_run_id: int, run_date: datetime, dag: Dag, states: States, *, now: datetime
) -> Iterator[tuple[object, ...]]:
    for (position, map_index), state in states.items():
        task = dag.tasks[position]
        scheduled = state is TaskInstanceState.SCHEDULED
        yield (
            dag_run_id,
            dag.dag_id,
            run_date,
            task.task_id,
            position,
            map_index,
            state,
            int(scheduled),
            task.retries,
            task.pool,
            task.pool_slots,
            task.priority_weight,
            task.executor,
            task.runs_in,
            now if scheduled else None,
            now if state in FINISHED else None,
        )
