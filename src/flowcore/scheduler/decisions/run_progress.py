"""What happens in a Dag run when task instances finish.

`RunProgress` remembers the states of one run and how many upstreams of each task ended how, so that
settling a finished task instance costs its direct downstream and no more. It is a deterministic state
machine without I/O: the same finished task instances lead to the same states in whatever order and
batches they arrive (invariant I13). `routines/schedule_task_instances.py` carries its changes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import UpstreamCounts, Verdict, decide

_FAILED_LEAF = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
_STATE_OF = {
    Verdict.RUN: TaskInstanceState.SCHEDULED,
    Verdict.SKIP: TaskInstanceState.SKIPPED,
    Verdict.UPSTREAM_FAIL: TaskInstanceState.UPSTREAM_FAILED,
    Verdict.REMOVE: TaskInstanceState.REMOVED,
}
_COUNTED = (
    TaskInstanceState.SUCCESS,
    TaskInstanceState.FAILED,
    TaskInstanceState.SKIPPED,
    TaskInstanceState.UPSTREAM_FAILED,
    TaskInstanceState.REMOVED,
)
_INDEX = {state: index for index, state in enumerate(_COUNTED)}


@attrs.frozen
class RunChanges:
    """What to write: new states by position, and the run's state if it ended (with the reason)."""

    states: Mapping[int, TaskInstanceState]
    run_state: DagRunState | None = None
    reason: str | None = None


class RunProgress:
    """The states of one run; `revision` says up to which change of the run they are true."""

    def __init__(self, dag: Dag, *, revision: int = 0) -> None:
        self.dag = dag
        self.revision = revision
        self._states: list[TaskInstanceState | None] = [None] * len(dag.tasks)
        self._counts = [[0] * len(_COUNTED) for _ in dag.tasks]
        self._unfinished = len(dag.tasks)
        self._in_flight = 0

    @classmethod
    def of(
        cls, dag: Dag, states: Iterable[tuple[int, TaskInstanceState | None]], *, revision: int
    ) -> RunProgress:
        """Rebuild it from the states of all task instances, by position."""
        progress = cls(dag, revision=revision)
        for position, state in states:
            if state is not None:
                progress._set(position, state)
        return progress

    def settle(self, finished: Iterable[tuple[int, TaskInstanceState]]) -> RunChanges:
        """Take in task instances that finished and decide what follows from them.

        Saying the same end twice changes nothing.
        """
        touched: list[int] = []
        for position, state in finished:
            if self._states[position] is not state:
                self._set(position, state)
                touched.extend(self.dag.tasks[position].downstream)
        return self._follow(touched)

    def settle_all(self) -> RunChanges:
        """Look at every task that was not decided yet: for a run that begins or was rebuilt."""
        return self._follow([task.position for task in self.dag.tasks])

    def _follow(self, touched: list[int]) -> RunChanges:
        changes: dict[int, TaskInstanceState] = {}
        while touched:
            position = touched.pop()
            if self._states[position] is not None:
                continue
            state = self._verdict(self.dag.tasks[position])
            if state is None:
                continue
            changes[position] = state
            self._set(position, state)
            if state in FINISHED:
                touched.extend(self.dag.tasks[position].downstream)
        return RunChanges(dict(sorted(changes.items())), *self._end_of_run())

    def _verdict(self, task: Task) -> TaskInstanceState | None:
        counts = UpstreamCounts(len(task.upstream), *self._counts[task.position])
        return _STATE_OF.get(decide(task.trigger_rule, counts))

    def _set(self, position: int, state: TaskInstanceState) -> None:
        old, self._states[position] = self._states[position], state
        if old is not None and old not in FINISHED:
            self._in_flight -= 1
        if state not in FINISHED:
            self._in_flight += 1
            return
        self._unfinished -= 1
        for downstream in self.dag.tasks[position].downstream:
            self._counts[downstream][_INDEX[state]] += 1

    def _end_of_run(self) -> tuple[DagRunState | None, str | None]:
        if self._in_flight:
            return None, None
        if self._unfinished:
            # Nothing runs and nothing can: some rule waits for what will never come.
            return DagRunState.FAILED, "all_tasks_deadlocked"
        if any(self._states[position] in _FAILED_LEAF for position in self.dag.leaves):
            return DagRunState.FAILED, "task_failure"
        return DagRunState.SUCCESS, None
