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
from flowcore.domain.task_verdicts import task_verdict
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
    """What to write: new states, and the run's state if it ended (with the reason)."""

    states: Mapping[Key, TaskInstanceState]
    run_state: DagRunState | None = None
    reason: str | None = None


class RunProgress:
    """The states of one run; `revision` says up to which change of the run they are true."""

    def __init__(self, dag: Dag, *, revision: int = 0) -> None:
        self.dag = dag
        self.revision = revision
        self._tasks = [TaskProgress(task) for task in dag.tasks]
        #: How many task instances it remembers.
        self.size = self._unfinished = len(dag.tasks)
        self._in_flight = 0

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

    def _follow(self, touched: list[int]) -> RunChanges:
        changes: dict[Key, TaskInstanceState] = {}
        while touched:
            position = touched.pop()
            for map_index, state in tuple(self._tasks[position].states.items()):
                if state is None and (new := self._new_state(position)):
                    changes[position, map_index] = new
                    touched += self._set((position, map_index), new)
        return RunChanges(dict(sorted(changes.items())), *self._end_of_run())

    def _new_state(self, position: int) -> TaskInstanceState | None:
        task = self._tasks[position]
        verdict = task_verdict(
            task.task, lambda look: self._counts(task, look), told_to_skip=task.told_to_skip
        )
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
        return self._set((position, map_index), state)

    def _set(self, key: Key, state: TaskInstanceState) -> list[int]:
        """Remember a state; the tasks for which that may matter."""
        position, map_index = key
        states = self._tasks[position].states
        old, states[map_index] = states[map_index], state
        if old is not None and old not in FINISHED:
            self._in_flight -= 1
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
        if self._in_flight:
            return None, None
        if self._unfinished:
            # Nothing runs and nothing can: some rule waits for what will never come.
            return DagRunState.FAILED, "all_tasks_deadlocked"
        leaves = (state for position in self.dag.leaves for state in self._tasks[position].states.values())
        if any(state in _FAILED_LEAF for state in leaves):
            return DagRunState.FAILED, "task_failure"
        return DagRunState.SUCCESS, None
