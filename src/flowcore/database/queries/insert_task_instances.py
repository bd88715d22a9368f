"""Insert all task instances of starting runs, each in its first state, with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.planner_statistics import note_growth
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.tables import task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.unanswered import unanswered
from flowcore.domain.dags import Dag
from flowcore.domain.states import FINISHED, TaskInstanceState
from flowcore.scheduler.decisions.run_progress import Key

_ROWS = rows_of(
    "task_instances",
    dag_run_id=sa.BigInteger,
    dag_id=sa.Text,
    run_date=UtcDateTime,
    task_id=sa.Text,
    position=sa.Integer,
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
_COLUMNS = [*_ROWS.c.keys(), "map_index", "lost_tries", "token"]
_SOURCE = sa.select(_ROWS, sa.literal_column("-1"), sa.literal_column("0"), sa.literal_column("0"))
_INSERT = task_instance.insert().from_select(_COLUMNS, _SOURCE, include_defaults=False)
_there = task_instance.alias("there")
_is_there = sa.exists().where(_there.c.dag_run_id == _ROWS.c.dag_run_id, _there.c.task_id == _ROWS.c.task_id)
_INSERT_MISSING = task_instance.insert().from_select(
    _COLUMNS, _SOURCE.where(~_is_there), include_defaults=False
)

#: A run: its id, its run date, its Dag, and the first states of its task instances.
Beginning = tuple[int, datetime, Dag, Mapping[Key, TaskInstanceState]]


def insert_missing_task_instances(
    connection: sa.Connection, begun: Iterable[Beginning], *, now: datetime
) -> None:
    """Insert task instances for the tasks that have none yet."""
    rows = [row for run in begun for row in _rows(*run, now=now)]
    connection.execute(unanswered(_INSERT_MISSING), {"task_instances": dump_rows(rows)})


def insert_task_instances(connection: sa.Connection, begun: Iterable[Beginning], *, now: datetime) -> None:
    """Insert all task instances of each run."""
    rows = [row for run in begun for row in _rows(*run, now=now)]
    if rows:
        connection.execute(unanswered(_INSERT), {"task_instances": dump_rows(rows)})
        note_growth(connection, inserted=len(rows))


def _rows(
    dag_run_id: int, run_date: datetime, dag: Dag, states: Mapping[Key, TaskInstanceState], *, now: datetime
) -> Iterator[tuple[object, ...]]:
    for task in dag.tasks:
        state = states.get((task.position, -1))
        scheduled = state is TaskInstanceState.SCHEDULED
        yield (
            dag_run_id,
            dag.dag_id,
            run_date,
            task.task_id,
            task.position,
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
