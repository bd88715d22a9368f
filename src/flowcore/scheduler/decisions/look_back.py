"""Whether the run before lets a task of this run be decided (`depends_on_past`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import DagRunState


@attrs.frozen
class PastTask:
    """A task in the run before: how many instances it had, and how many did not end well (or not yet).

    `success` and `skipped` are good ends; an instance that was removed does not count as one that is there.
    """

    instances: int
    bad: int


NOT_THERE = PastTask(0, 0)


@attrs.frozen
class PastRun:
    """The run before: its state, whether it has begun, and the tasks in it that were asked about."""

    state: DagRunState
    has_begun: bool
    tasks: Mapping[str, PastTask]


def tasks_asked_about(dag: Dag, positions: Iterable[int]) -> set[str]:
    """The tasks of the run before that decide about tasks at these positions."""
    return {task_id for position in positions for task_id in _asked_about(dag, dag.tasks[position])}


def is_let(dag: Dag, task: Task, past: PastRun, *, was_there_before: bool) -> bool:
    """Whether the run before lets a task; `was_there_before` is whether any earlier run had the task.

    A run that was ended by hand before it began speaks for its tasks.
    """
    if not past.has_begun:
        return past.state is DagRunState.SUCCESS
    if not past.tasks.get(task.task_id, NOT_THERE).instances:
        return task.ignore_first_depends_on_past and not was_there_before
    return not any(past.tasks.get(task_id, NOT_THERE).bad for task_id in _asked_about(dag, task))


def _asked_about(dag: Dag, task: Task) -> list[str]:
    after = task.downstream if task.wait_for_downstream else ()
    return [task.task_id, *(dag.tasks[position].task_id for position in after)]
