"""Insert all task instances of starting runs, each in its first state, with one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from flowcore.database.queries.planner_statistics import refresh_statistics
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
    scheduled_at=UtcDateTime,
    end_date=UtcDateTime,
)
_INSERT = task_instance.insert().from_select(
    [*_ROWS.c.keys(), "map_index", "lost_tries", "token"],
    sa.select(_ROWS, sa.literal_column("-1"), sa.literal_column("0"), sa.literal_column("0")),
    include_defaults=False,
)


def insert_task_instances(
    connection: sa.Connection,
    begun: Iterable[tuple[int, datetime, Dag, Mapping[Key, TaskInstanceState]]],
    *,
    now: datetime,
) -> None:
    """Insert the task instances of each run: (run, run date, Dag, first states)."""
    rows = [row for run in begun for row in _rows(*run, now=now)]
    if rows:
        connection.execute(unanswered(_INSERT), {"task_instances": dump_rows(rows)})
        refresh_statistics(connection, inserted=len(rows))


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
            now if scheduled else None,
            now if state in FINISHED else None,
        )
