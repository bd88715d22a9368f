"""The states of Dag runs and task instances, and the only transitions between them that are legal.

All knowledge of what may follow what is in the two tables below; the diagrams in
`docs/reference/states.md` and the property tests are derived from them. The names and meanings are
Airflow's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from flowcore.errors import InvariantBroken


class DagRunState(StrEnum):
    """Where a Dag run is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class TaskInstanceState(StrEnum):
    """Where a task instance is; `None` (no member) means that its upstreams are not settled yet."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    RESTARTING = "restarting"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    REMOVED = "removed"
    DEFERRED = "deferred"


_R = DagRunState
_T = TaskInstanceState

FINISHED_RUN: frozenset[DagRunState] = frozenset({_R.SUCCESS, _R.FAILED})
FINISHED: frozenset[TaskInstanceState] = frozenset(
    {_T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.REMOVED}
)
#: A try holds slots of its pool and of every limit while its task instance is in one of these.
ACTIVE: frozenset[TaskInstanceState] = frozenset({_T.QUEUED, _T.RUNNING, _T.RESTARTING})

DAG_RUN_TRANSITIONS: Mapping[DagRunState, frozenset[DagRunState]] = {
    _R.QUEUED: frozenset({_R.RUNNING, _R.SUCCESS, _R.FAILED}),
    _R.RUNNING: frozenset({_R.SUCCESS, _R.FAILED}),
    _R.SUCCESS: frozenset({_R.QUEUED, _R.FAILED}),  # cleared, or marked by a user
    _R.FAILED: frozenset({_R.QUEUED, _R.SUCCESS}),
}

_ENDS_OF_A_TRY = frozenset(
    {_T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UP_FOR_RETRY, _T.UP_FOR_RESCHEDULE, _T.DEFERRED}
)
#: Cleared. Where a try may still be stopping, the task instance is restarting until it has.
_CLEARED: frozenset[TaskInstanceState | None] = frozenset({None, _T.RESTARTING})

TASK_INSTANCE_TRANSITIONS: Mapping[TaskInstanceState | None, frozenset[TaskInstanceState | None]] = {
    None: frozenset({_T.SCHEDULED, _T.SKIPPED, _T.UPSTREAM_FAILED, _T.REMOVED, _T.SUCCESS, _T.FAILED}),
    _T.SCHEDULED: frozenset({_T.QUEUED, _T.FAILED, _T.SKIPPED, _T.SUCCESS, None}),
    # A queued try that never started, or whose process died, is given back: scheduled again.
    _T.QUEUED: _ENDS_OF_A_TRY | {_T.RUNNING, _T.SCHEDULED, _T.RESTARTING},
    _T.RUNNING: _ENDS_OF_A_TRY | {_T.SCHEDULED, _T.RESTARTING},
    _T.RESTARTING: frozenset({None, _T.SUCCESS, _T.FAILED, _T.SKIPPED}),
    _T.UP_FOR_RETRY: frozenset({_T.SCHEDULED, _T.FAILED, _T.SKIPPED, _T.SUCCESS, None}),
    _T.UP_FOR_RESCHEDULE: frozenset({_T.SCHEDULED, _T.FAILED, _T.SKIPPED, _T.SUCCESS, None}),
    _T.DEFERRED: frozenset({_T.SCHEDULED, _T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.UP_FOR_RETRY, None}),
    # Of what has ended somebody may think otherwise, or move its run to a version without the task.
    _T.SUCCESS: _CLEARED | {_T.FAILED, _T.SKIPPED, _T.REMOVED},
    _T.FAILED: _CLEARED | {_T.SUCCESS, _T.SKIPPED, _T.REMOVED},
    _T.SKIPPED: _CLEARED | {_T.SUCCESS, _T.FAILED, _T.REMOVED},
    _T.UPSTREAM_FAILED: frozenset({None, _T.SUCCESS, _T.FAILED, _T.SKIPPED, _T.REMOVED}),
    _T.REMOVED: frozenset({None}),
}


def check_task_instance_transition(
    old: TaskInstanceState | None, new: TaskInstanceState | None, *, key: object
) -> None:
    """Raise `InvariantBroken` unless `old → new` is in the table; `key` names the task instance."""
    if new not in TASK_INSTANCE_TRANSITIONS[old]:
        legal = sorted(str(state) for state in TASK_INSTANCE_TRANSITIONS[old])
        raise InvariantBroken(f"task instance {key} cannot go {old} → {new}; legal from {old}: {legal}")


def check_dag_run_transition(old: DagRunState, new: DagRunState, *, key: object) -> None:
    """Raise `InvariantBroken` unless `old → new` is in the table; `key` names the run."""
    if new not in DAG_RUN_TRANSITIONS[old]:
        legal = sorted(str(state) for state in DAG_RUN_TRANSITIONS[old])
        raise InvariantBroken(f"Dag run {key} cannot go {old} → {new}; legal from {old}: {legal}")
