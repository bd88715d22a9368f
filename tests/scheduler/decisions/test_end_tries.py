from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from flowcore.domain.retries import RetryAdvice, RetryRule
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import RunFacts, TryEnded, TryOutcome, Workload
from flowcore.scheduler.decisions.end_tries import CLAIMS_MAX, LOST_TRIES_MAX, TryEnd, end_try, lose_try

NOW = datetime(2026, 3, 1, tzinfo=UTC)
RUN = RunFacts(
    dag_run_id=1, dag_id="etl", run_id="manual", run_type="manual", dag_version_id=1, run_after=NOW
)


def ended(outcome: TryOutcome, *, try_number: int = 1, max_tries: int = 2) -> TryEnded:
    workload = Workload(
        task_instance_id=1,
        token=1,
        task_id="a",
        position=0,
        run=RUN,
        try_number=try_number,
        max_tries=max_tries,
        retry_rule=RetryRule(delay_s=60),
    )
    return TryEnded(workload=workload, outcome=outcome, start_date=NOW, end_date=NOW)


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (TryOutcome.SUCCESS, TaskInstanceState.SUCCESS),
        (TryOutcome.SKIPPED, TaskInstanceState.SKIPPED),
        (TryOutcome.GIVEN_BACK, TaskInstanceState.SCHEDULED),
        (TryOutcome.FAILED_FOR_GOOD, TaskInstanceState.FAILED),
        (TryOutcome.FAILED, TaskInstanceState.UP_FOR_RETRY),
    ],
)
def test_each_outcome_has_its_state(outcome: TryOutcome, state: TaskInstanceState) -> None:
    assert end_try(ended(outcome)).state is state


def test_a_retry_is_due_after_its_delay() -> None:
    assert end_try(ended(TryOutcome.FAILED)).due_at == NOW + timedelta(minutes=1)


def advised(delay_s: float | None, **facts: int) -> TryEnded:
    """The end of a try whose retry policy wants it tried again after so many seconds."""
    return attrs.evolve(ended(TryOutcome.FAILED, **facts), advice=RetryAdvice(delay_s, "busy"))


@pytest.mark.parametrize(
    ("advised_s", "delay"),
    [(None, timedelta(minutes=1)), (0, timedelta()), (5, timedelta(seconds=5)), (1e12, timedelta(3660))],
)
def test_the_delay_of_a_retry_policy_replaces_that_of_the_task(
    advised_s: float | None, delay: timedelta
) -> None:
    assert end_try(advised(advised_s)) == TryEnd(TaskInstanceState.UP_FOR_RETRY, NOW + delay)


def test_a_retry_policy_cannot_add_tries() -> None:
    assert end_try(advised(5, try_number=3, max_tries=2)) == TryEnd(TaskInstanceState.FAILED)


def test_the_last_try_that_fails_is_final() -> None:
    end = end_try(ended(TryOutcome.FAILED, try_number=3, max_tries=2))
    assert (end.state, end.due_at) == (TaskInstanceState.FAILED, None)


def test_a_lost_try_runs_again_unless_it_was_lost_too_often() -> None:
    assert lose_try(was_running=True, lost_tries=LOST_TRIES_MAX - 1, claims=1) is TaskInstanceState.SCHEDULED
    assert lose_try(was_running=True, lost_tries=LOST_TRIES_MAX, claims=1) is TaskInstanceState.FAILED


def test_a_try_that_never_started_is_not_to_blame_however_often_it_was_lost() -> None:
    assert lose_try(was_running=False, lost_tries=LOST_TRIES_MAX, claims=1) is TaskInstanceState.SCHEDULED


def test_a_try_that_is_claimed_without_end_fails():
    assert lose_try(was_running=False, lost_tries=0, claims=CLAIMS_MAX - 1) is TaskInstanceState.SCHEDULED
    assert lose_try(was_running=False, lost_tries=0, claims=CLAIMS_MAX) is TaskInstanceState.FAILED
