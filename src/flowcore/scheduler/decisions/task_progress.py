"""One task of a run under way: the states of its instances, and how those ended at whom it looks."""

from __future__ import annotations

from collections.abc import Iterable

from flowcore.domain.dags import Task
from flowcore.domain.dependencies import Look
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.verdicts import UpstreamCounts

_COUNTED = {
    TaskInstanceState.SUCCESS: 0,
    TaskInstanceState.FAILED: 1,
    TaskInstanceState.SKIPPED: 2,
    TaskInstanceState.UPSTREAM_FAILED: 3,
    TaskInstanceState.REMOVED: 4,
}
NOBODY = UpstreamCounts(0)


class Tally:
    """Counts how task instances end; a growing `UpstreamCounts`."""

    __slots__ = ("_ends", "_remaining", "_total")

    def __init__(self, states: Iterable[TaskInstanceState | None]) -> None:
        self._ends = [0] * len(_COUNTED)
        self._total = self._remaining = 0
        for state in states:
            self._total += 1
            self._remaining += 1
            if state in _COUNTED:
                self.add(state)

    def add(self, state: TaskInstanceState) -> bool:
        """Count an end; whether that can matter: which ends there are is asked, and whether all are over."""
        index = _COUNTED[state]
        self._ends[index] += 1
        self._remaining -= 1
        return self._ends[index] == 1 or not self._remaining

    def counts(self) -> UpstreamCounts:
        """What was counted so far."""
        return UpstreamCounts(self._total, *self._ends)


class TaskProgress:
    """Instances are known by their map index, -1 where a task is not mapped."""

    __slots__ = ("states", "tallies", "task", "told_to_skip")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.states: dict[int, TaskInstanceState | None] = {-1: None}
        #: Made when the task is looked at for the first time, and kept up to date from then on.
        self.tallies: dict[Look, Tally] = {}
        #: Whether a task that may do so has said that this one be skipped.
        self.told_to_skip = False
