"""What people do to a simulation: they clear and mark runs and tasks while schedulers work on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

import sqlalchemy as sa

from flowcore.database.queries.clearing import clear_task_instances
from flowcore.database.queries.marking import mark_runs, mark_task_instances
from flowcore.domain.dags import Dag
from flowcore.domain.selections import RunSelection, TaskSelection
from flowcore.domain.states import DagRunState
from flowcore.scheduler.decisions.change_task_instances import FAILED_AFTERWARDS, MARKS
from flowcore.testing.snapshots import DagRunRow

#: An integer from 0 up to, but not including, the given one.
Draw = Callable[[int], int]
#: A unit of work that still wants the time.
Change = Callable[..., object]


def draw_change(draw: Draw, run: DagRunRow, dag: Dag, now: datetime) -> Callable[[sa.Connection], object]:
    """Draw a unit of work that changes a run by hand."""
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
