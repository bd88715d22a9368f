"""Which runs and tasks somebody means who changes them by hand, and which tasks go with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.setups import downstream_of, upstream_of, with_setups_and_teardowns
from flowcore.errors import UsageError


@attrs.frozen(kw_only=True)
class RunSelection:
    """Runs of a Dag: all; or one, with those of earlier (`past`) or later (`future`) logical dates.

    Without `run_id`, `start_date` and `end_date` bound the logical dates, both included.
    """

    dag_id: str
    run_id: str | None = None
    past: bool = False
    future: bool = False
    start_date: datetime | None = None
    end_date: datetime | None = None


@attrs.frozen(kw_only=True)
class TaskSelection:
    """Tasks of a Dag: those named, or those in whose ids the pattern is found; with neither, all.

    `upstream` and `downstream` add all tasks before and after them. `map_indexes` are those of mapped
    tasks that are meant; None: all.
    """

    task_ids: frozenset[str] | None = None
    task_regex: str | None = None
    upstream: bool = False
    downstream: bool = False
    map_indexes: frozenset[int] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether whole runs are meant."""
        return self.task_ids is None and self.task_regex is None

    def covers(self, map_index: int) -> bool:
        """Whether an element of a mapped task is meant; -1 is a task that is not mapped."""
        return self.map_indexes is None or map_index < 0 or map_index in self.map_indexes


def matching_tasks(dag: Dag, selection: TaskSelection) -> frozenset[int]:
    """Positions of the tasks that are named themselves.

    Raises:
        UsageError: the pattern is no regular expression.
    """
    if selection.is_everything:
        return frozenset(range(len(dag.tasks)))
    is_meant = _test_of(selection)
    return frozenset(task.position for task in dag.tasks if is_meant(task.task_id))


def tasks_to_clear(dag: Dag, selection: TaskSelection) -> frozenset[int]:
    """Positions of the tasks, their relatives, and the setups and teardowns that serve any of them."""
    return with_setups_and_teardowns(dag, tasks_to_mark(dag, selection))


def tasks_to_mark(dag: Dag, selection: TaskSelection) -> frozenset[int]:
    """Positions of the tasks and of their relatives."""
    named = matching_tasks(dag, selection)
    before = upstream_of(dag, named) if selection.upstream else frozenset()
    after = downstream_of(dag, named) if selection.downstream else frozenset()
    return named | before | after


def _test_of(selection: TaskSelection) -> Callable[[str], bool]:
    if selection.task_ids is not None:
        return selection.task_ids.__contains__
    try:
        pattern = re.compile(selection.task_regex or "")
    except re.error as error:
        raise UsageError(
            f"{selection.task_regex!r} is no regular expression: {error}; escape special characters with \\"
        ) from error
    return lambda task_id: pattern.search(task_id) is not None
