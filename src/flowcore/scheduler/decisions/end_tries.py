"""What becomes of a task instance when its try ends, is lost, or is given back."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from flowcore.domain.retries import LONGEST_DELAY_S, may_retry, retry_delay_s
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryEnded, TryOutcome, Workload

#: A try that is lost with its process runs again without costing a retry, this many times.
LOST_TRIES_MAX = 5
#: A task that ends its process before its start was written looks queued each time. So does one that waits
#: while a scheduler is killed again and again, so this is more.
CLAIMS_MAX = 50


@attrs.frozen
class TryEnd:
    """The state that follows a try, and when the next one, or the rest of it, is due."""

    state: TaskInstanceState
    due_at: datetime | None = None


def end_try(ended: TryEnded) -> TryEnd:
    """Decide the state that follows a reported end."""
    match ended.outcome:
        case TryOutcome.SUCCESS:
            return TryEnd(TaskInstanceState.SUCCESS)
        case TryOutcome.SKIPPED:
            return TryEnd(TaskInstanceState.SKIPPED)
        case TryOutcome.RESCHEDULED:
            return TryEnd(TaskInstanceState.UP_FOR_RESCHEDULE, ended.reschedule_at or ended.end_date)
        case TryOutcome.GIVEN_BACK:
            return TryEnd(TaskInstanceState.SCHEDULED)
        case TryOutcome.FAILED_FOR_GOOD:
            return TryEnd(TaskInstanceState.FAILED)
        case TryOutcome.FAILED:
            return _retry_or_fail(ended.workload, ended.end_date, ended.advice.delay_s)


def _retry_or_fail(workload: Workload, end_date: datetime, advised_s: float | None) -> TryEnd:
    if not may_retry(workload.try_number, workload.max_tries):
        return TryEnd(TaskInstanceState.FAILED)
    if advised_s is not None:
        return TryEnd(
            TaskInstanceState.UP_FOR_RETRY, end_date + timedelta(seconds=min(advised_s, LONGEST_DELAY_S))
        )
    delay_s = retry_delay_s(
        workload.retry_rule,
        dag_id=workload.run.dag_id,
        task_id=workload.task_id,
        logical_date=workload.run.logical_date,
        try_number=workload.try_number,
    )
    return TryEnd(TaskInstanceState.UP_FOR_RETRY, end_date + timedelta(seconds=delay_s))


def lose_try(*, was_running: bool, lost_tries: int, claims: int) -> TaskInstanceState:
    """Decide the state of a task instance whose process died with `lost_tries` lost before it.

    The task is not to blame, so the try runs again; unless it was running each time, or was claimed
    without end (`claims` more often than it has tries), when it may be what kills its processes.
    """
    if (was_running and lost_tries >= LOST_TRIES_MAX) or claims >= CLAIMS_MAX:
        return TaskInstanceState.FAILED
    return TaskInstanceState.SCHEDULED
