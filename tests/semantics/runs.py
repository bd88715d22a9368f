"""A run under way whose task instances are called by their names: `a`, or `a[1]` of one that is mapped."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.workloads import TryEffects
from flowcore.scheduler.decisions.run_changes import Instance, RunChanges
from flowcore.scheduler.decisions.run_progress import RunProgress

#: What a letter of the tables means.
STATES = {
    "S": TaskInstanceState.SUCCESS,
    "F": TaskInstanceState.FAILED,
    "K": TaskInstanceState.SKIPPED,
    "U": TaskInstanceState.UPSTREAM_FAILED,
    "R": TaskInstanceState.REMOVED,
    "run": TaskInstanceState.SCHEDULED,
}
_LETTERS = {state: letter for letter, state in STATES.items()}


@attrs.define
class Run:
    """Ends and what follows from them, as letters of the tables; `run` is a task that may start."""

    dag: Dag
    begun: Mapping[str, str] = attrs.field(init=False)
    run_state: DagRunState | None = None
    _progress: RunProgress = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._progress = RunProgress(self.dag)
        self.begun = self._named(self._progress.settle_all())

    def end(self, *, pushes: int | None = None, **ends: str) -> Mapping[str, str]:
        """End task instances, called `a` or `a_1`; what follows."""
        effects = TryEffects(length=pushes)
        return self._named(
            self._progress.settle(self._instance(name, end, effects) for name, end in ends.items())
        )

    def _instance(self, name: str, end: str, effects: TryEffects) -> Instance:
        task, _, index = name.partition("_")
        return Instance(self.dag.position_of[task], int(index or -1), STATES[end], effects)

    def _named(self, changes: RunChanges) -> Mapping[str, str]:
        self.run_state = changes.run_state
        return {
            self.dag.tasks[position].task_id + (f"[{index}]" if index >= 0 else ""): _LETTERS[state]
            for (position, index), state in changes.states.items()
        }
