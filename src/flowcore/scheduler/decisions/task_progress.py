"""One task of a run under way: the states of its instances, and how those ended at whom it looks."""

from __future__ import annotations

from collections.abc import Iterable

from flowcore.domain.dags import Task
from flowcore.domain.dependencies import Look
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.task_mapping import NOT_MAPPED
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
            self.expect(1)
            if state in _COUNTED:
                self.add(state)

    def expect(self, more: int) -> None:
        """Count that there are more of them."""
        self._total += more
        self._remaining += more

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
    """Instances are known by their map index, -1 where a task is not mapped.

    A mapped task begins with an instance -1, too, which stands for all until it is known how many there are.
    """

    __slots__ = ("pushed", "states", "tallies", "tallies_at", "task", "told_to_skip", "undecided")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.states: dict[int, TaskInstanceState | None] = {NOT_MAPPED: None}
        self.undecided = {NOT_MAPPED}
        #: Of those outside of what the task is mapped with; and by index of those inside, for what is not
        #: decided yet. Made when they are looked at for the first time, and kept up to date from then on.
        self.tallies: dict[Look, Tally] = {}
        self.tallies_at: dict[int, dict[Look, Tally]] = {}
        #: The instances that are to be skipped, as a task said that may do so; None: all.
        self.told_to_skip: set[int | None] = set()
        #: How many elements it has pushed for those that are mapped over it; None: it has not.
        self.pushed: int | None = None

    def begin_with(self, map_indexes: Iterable[int]) -> None:
        """Have these instances and no others, all undecided."""
        self.states = dict.fromkeys(map_indexes)
        self.undecided = set(self.states)

    def set(self, map_index: int, state: TaskInstanceState) -> None:
        """Remember the state of an instance, which is decided by that."""
        self.states[map_index] = state
        if map_index in self.undecided:
            self.undecided.remove(map_index)
            self.tallies_at.pop(map_index, None)

    def tally(self, look: Look, map_index: int | None) -> Tally | None:
        """What was counted so far, if anybody has looked: outside (None), or inside at an index."""
        if map_index is None:
            return self.tallies.get(look)
        at = self.tallies_at.get(map_index)
        return None if at is None else at.get(look)

    def state_at(self, map_index: int) -> TaskInstanceState | None:
        """The state of an instance, or of the one that stands for it."""
        return self.states[map_index] if map_index in self.states else self.states.get(NOT_MAPPED)

    def is_told_to_skip(self, map_index: int) -> bool:
        """Whether an instance is to be skipped."""
        return map_index in self.told_to_skip or None in self.told_to_skip

    def note_pushed(self, length: int | None) -> None:
        """Take note of how many elements an instance has pushed."""
        if length is not None:
            self.pushed = (self.pushed or 0) + length

    def expand(self, length: int) -> range:
        """Have at least so many instances; the map indexes of the new ones.

        The first of them is the one that stood for all.
        """
        if NOT_MAPPED not in self.states:
            new = range(1 + max(self.states), length)
        elif NOT_MAPPED in self.undecided and length:
            del self.states[NOT_MAPPED]
            self.undecided.remove(NOT_MAPPED)
            new = range(length)
        else:
            new = range(0)
        self.states.update(dict.fromkeys(new))
        self.undecided.update(new)
        return new
