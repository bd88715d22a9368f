"""What happens in a Dag run when task instances finish.

`RunProgress` remembers the states of one run and how those ended at whom each task looks, so that settling
a finished task instance costs those who look at it and no more. It is a deterministic state machine
without I/O: the same finished task instances lead to the same states in whatever order and batches they
arrive (invariant I13). `routines/schedule_task_instances.py` carries its changes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.dependencies import Look
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.task_verdicts import counts_as_failure, task_verdict, waits_for_past
from flowcore.domain.verdicts import UpstreamCounts, Verdict
from flowcore.domain.workloads import NO_EFFECTS, TryEffects
from flowcore.scheduler.decisions.task_progress import NOBODY, Tally, TaskProgress

#: A task instance of a run: position and map index.
Key = tuple[int, int]


class Instance(NamedTuple):
    """What is known of a task instance; its effects count if it succeeded."""

    position: int
    map_index: int
    state: TaskInstanceState | None
    effects: TryEffects = NO_EFFECTS


_FAILED_LEAF = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
_STATE_OF = {
    Verdict.RUN: TaskInstanceState.SCHEDULED,
    Verdict.SKIP: TaskInstanceState.SKIPPED,
    Verdict.UPSTREAM_FAIL: TaskInstanceState.UPSTREAM_FAILED,
    Verdict.REMOVE: TaskInstanceState.REMOVED,
}


@attrs.frozen
class RunChanges:
    """What to write: new states, and the run's state if it ended (with the reason).

    `stops` says that all task instances that have not ended, but for teardowns, are to be skipped at once:
    which these were is to be settled then.
    """

    states: Mapping[Key, TaskInstanceState]
    run_state: DagRunState | None = None
    reason: str | None = None
    stops: bool = False

    def then(self, later: RunChanges) -> RunChanges:
        """These changes and those that came after them, as one."""
        return attrs.evolve(later, states={**self.states, **later.states})


class RunProgress:
    """The states of one run; `revision` says up to which change of the run they are true."""

    def __init__(self, dag: Dag, *, revision: int = 0) -> None:
        self.dag = dag
        self.revision = revision
        self._tasks = [TaskProgress(task) for task in dag.tasks]
        #: How many task instances it remembers.
        self.size = self._unfinished = len(dag.tasks)
        self._in_flight = 0
        self._has_failed_fast = False
        #: Tasks that would be decided if it were known that the run before lets them.
        self.held: set[int] = set()
        self._admitted: set[int] = set()

    @classmethod
    def of(cls, dag: Dag, instances: Iterable[Instance], *, revision: int) -> RunProgress:
        """Rebuild it from all task instances."""
        progress = cls(dag, revision=revision)
        for instance in instances:
            progress._take_in(instance)
        return progress

    def settle(self, finished: Iterable[Instance]) -> RunChanges:
        """Take in task instances that finished and decide what follows from them.

        Saying the same end twice changes nothing.
        """
        return self._follow([position for instance in finished for position in self._take_in(instance)])

    def settle_all(self) -> RunChanges:
        """Look at every task that was not decided yet: for a run that begins or was rebuilt."""
        return self._follow([task.position for task in self.dag.tasks])

    def admit(self, positions: Iterable[int]) -> RunChanges:
        """Decide on tasks that were held: the run before lets them."""
        admitted = list(positions)
        self.held.difference_update(admitted)
        self._admitted.update(admitted)
        return self._follow(admitted)

    def _follow(self, touched: list[int]) -> RunChanges:
        changes: dict[Key, TaskInstanceState] = {}
        while touched:
            position = touched.pop()
            for map_index, state in tuple(self._tasks[position].states.items()):
                if state is None and (new := self._new_state(position)):
                    changes[position, map_index] = new
                    touched += self._set((position, map_index), new)
        stops = self._has_failed_fast and self._unfinished > 0
        return RunChanges(dict(sorted(changes.items())), *self._end_of_run(), stops)

    def _new_state(self, position: int) -> TaskInstanceState | None:
        task = self._tasks[position]
        if self._has_failed_fast and not task.task.is_teardown:
            return None
        verdict = task_verdict(
            task.task, lambda look: self._counts(task, look), told_to_skip=task.told_to_skip
        )
        if waits_for_past(task.task, verdict) and position not in self._admitted:
            self.held.add(position)
            return None
        return _STATE_OF.get(verdict)

    def _counts(self, task: TaskProgress, look: Look) -> UpstreamCounts:
        others = self.dag.dependencies.looks_at[task.task.position].get(look)
        if others is None:
            return NOBODY
        tally = task.tallies.get(look)
        if tally is None:
            states = (state for other in others for state in self._tasks[other].states.values())
            tally = task.tallies[look] = Tally(states)
        return tally.counts()

    def _take_in(self, instance: Instance) -> list[int]:
        """Remember a task instance; the tasks for which that may matter."""
        position, map_index, state, effects = instance
        if state is None or self._tasks[position].states[map_index] is state:
            return []
        if state is TaskInstanceState.SUCCESS:
            for task_id in effects.skips:
                self._tasks[self.dag.position_of[task_id]].told_to_skip = True
        if state is TaskInstanceState.FAILED and self.dag.fail_fast:
            self._has_failed_fast |= counts_as_failure(self.dag.tasks[position])
        return self._set((position, map_index), state)

    def _set(self, key: Key, state: TaskInstanceState) -> list[int]:
        """Remember a state; the tasks for which that may matter."""
        position, map_index = key
        states = self._tasks[position].states
        old, states[map_index] = states[map_index], state
        if old is not None and old not in FINISHED:
            self._in_flight -= 1
        if position in self.held and None not in states.values():
            self.held.remove(position)
        if state not in FINISHED:
            self._in_flight += 1
            return []
        self._unfinished -= 1
        return [
            watcher
            for watcher, look in self.dag.dependencies.looked_at_by[position]
            if (tally := self._tasks[watcher].tallies.get(look)) is None or tally.add(state)
        ]

    def _end_of_run(self) -> tuple[DagRunState | None, str | None]:
        if self._in_flight or self.held:
            return None, None
        if self._unfinished:
            # Nothing runs and nothing can: some rule waits for what will never come.
            return DagRunState.FAILED, "all_tasks_deadlocked"
        if self._has_failed_fast:
            return DagRunState.FAILED, "task_failure"
        leaves = (state for position in self.dag.leaves for state in self._tasks[position].states.values())
        if any(state in _FAILED_LEAF for state in leaves):
            return DagRunState.FAILED, "task_failure"
        return DagRunState.SUCCESS, None
