"""What becomes of task instances, and of their runs, when somebody clears or marks them by hand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState

#: What a task instance can be marked as.
MARKS = frozenset({TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED})
#: What is cleared after a task that is marked: it ended for want of that task.
FAILED_AFTERWARDS = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
#: Whose tries run, or are about to.
RUNNING = frozenset({TaskInstanceState.QUEUED, TaskInstanceState.RUNNING})
#: What fails when its run is marked failed; what has not got so far is skipped.
_AT_WORK = frozenset(
    {TaskInstanceState.RUNNING, TaskInstanceState.DEFERRED, TaskInstanceState.UP_FOR_RESCHEDULE}
)


@attrs.frozen(kw_only=True)
class FoundInstance:
    """A task instance as somebody finds it; `is_held` while a try of it may be alive."""

    id: int
    dag_run_id: int
    task_id: str
    position: int
    map_index: int
    state: TaskInstanceState | None
    try_number: int
    is_held: bool


@attrs.frozen
class ClearedInstance:
    """What to write: it begins again (restarting: once its try has stopped), with all its retries."""

    id: int
    state: TaskInstanceState | None
    try_number: int
    max_tries: int


def clear_task_instance(found: FoundInstance, *, retries: int) -> ClearedInstance | None:
    """Decide what becomes of a task instance that is cleared; None when it is to begin anyway."""
    if found.state in (None, TaskInstanceState.RESTARTING):
        return None
    # A try that is scheduled has not begun: its number is free.
    tried = found.try_number - (found.state is TaskInstanceState.SCHEDULED)
    state = TaskInstanceState.RESTARTING if found.is_held else None
    return ClearedInstance(found.id, state, tried, tried + retries)


def is_to_be_marked(found: FoundInstance, state: TaskInstanceState) -> bool:
    """Whether a mark changes anything; what is not part of its run any more cannot be marked."""
    return found.state not in (state, TaskInstanceState.REMOVED)


def mark_dag_run(
    dag: Dag, found: Collection[FoundInstance], state: DagRunState
) -> tuple[Mapping[int, TaskInstanceState], bool]:
    """Decide the states of a run's task instances by id, and whether the run has ended with that.

    Teardowns that have not ended go on, and the run with them, whether it succeeds or fails.
    """
    teardowns = {one.id for one in found if dag.tasks[one.position].is_teardown and one.state not in FINISHED}
    work = [one for one in found if one.id not in teardowns]
    if state is DagRunState.SUCCESS:
        marks = {one.id: TaskInstanceState.SUCCESS for one in work}
    else:
        marks = _fail(work)
        if teardowns and TaskInstanceState.FAILED not in marks.values():
            # The rules decide how such a run ends: something of it has to have failed.
            marks |= {key: TaskInstanceState.FAILED for key in _last_of(dag, work) if key in marks}
    changed = {
        one.id: marks[one.id] for one in work if one.id in marks and is_to_be_marked(one, marks[one.id])
    }
    return changed, not teardowns


def _fail(work: Iterable[FoundInstance]) -> dict[int, TaskInstanceState]:
    return {
        one.id: TaskInstanceState.FAILED if one.state in _AT_WORK else TaskInstanceState.SKIPPED
        for one in work
        if one.state not in FINISHED
    }


def _last_of(dag: Dag, work: Iterable[FoundInstance]) -> set[int]:
    return {one.id for one in work if one.position in dag.leaves}
