"""What people do to a simulation: they clear, mark and make up for runs while schedulers work on them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.backfills import cancel_backfill, list_backfills
from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.create_backfill import create_backfill
from flowcore.database.queries.marking import mark_runs, mark_task_instances
from flowcore.domain.backfills import BackfillRequest, ReprocessBehavior
from flowcore.domain.dags import Dag
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import DagRunState
from flowcore.errors import UsageError
from flowcore.scheduler.decisions.change_task_instances import FAILED_AFTERWARDS, MARKS
from flowcore.testing.clock import EPOCH
from flowcore.testing.snapshots import DagRunRow

#: An integer from 0 up to, but not including, the given one.
Draw = Callable[[int], int]
#: A unit of work that still wants the time.
Change = Callable[..., object]


def draw_change(draw: Draw, run: DagRunRow, dag: Dag, now: datetime) -> Callable[[sa.Connection], object]:
    """Draw a unit of work that changes a run by hand, or makes up for runs."""
    if draw(5) == 0:
        return partial(_make_up_for, draw=draw, dag=dag, now=now)
    return draw_change_of_run(draw, run, dag, now)


def draw_change_of_run(
    draw: Draw, run: DagRunRow, dag: Dag, now: datetime
) -> Callable[[sa.Connection], object]:
    """Draw a unit of work that clears or marks something in a run, and sometimes in those after it."""
    runs = RunSelection(dag_id=run.dag_id, run_id=run.run_id, future=draw(4) == 0)
    task = dag.tasks[draw(len(dag.tasks))].task_id
    named = TaskSelection(task_ids=frozenset({task}), upstream=draw(4) == 0, downstream=draw(2) == 0)
    everything = TaskSelection()
    changes: list[Change] = [
        partial(clear_task_instances, runs=runs, tasks=everything),
        partial(clear_task_instances, runs=runs, tasks=everything, only=FAILED_AFTERWARDS),
        partial(clear_task_instances, runs=runs, tasks=named),
        partial(clear_task_instances, runs=runs, tasks=named),
        *(partial(mark_task_instances, runs=runs, tasks=named, state=mark) for mark in sorted(MARKS)),
        *(partial(mark_runs, runs=runs, state=end) for end in (DagRunState.SUCCESS, DagRunState.FAILED)),
    ]
    return partial(changes[draw(len(changes))], now=now)


def _make_up_for(connection: sa.Connection, *, draw: Draw, dag: Dag, now: datetime) -> None:
    """Create a backfill of the dates before the simulation began, or cancel the one there is."""
    for listed in list_backfills(connection, dag_id=dag.dag_id):
        if listed.completed_at is None:
            cancel_backfill(connection, listed.id, now=now)
            return
    request = BackfillRequest(
        dag_id=dag.dag_id,
        from_date=EPOCH - timedelta(seconds=90),
        to_date=EPOCH - timedelta(seconds=20),
        max_active_runs=1 + draw(2),
        run_backwards=draw(2) == 0,
        reprocess_behavior=tuple(ReprocessBehavior)[draw(len(ReprocessBehavior))],
    )
    with suppress(UsageError):  # not every Dag has a schedule
        create_backfill(connection, request, now=now)
