from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.domain.reasons import Phase, ReasonCode
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.decisions.situations import EarlierTries, Hold, Situation
from flowcore.scheduler.decisions.time_spent import time_spent
from tests.scheduler.decisions.situations import NOW, situation


def spent(of: Situation) -> dict[Phase, tuple[float, bool]]:
    return {one.phase: (one.seconds, one.is_over) for one in time_spent(of)}


def test_time_is_told_by_what_it_was_spent_on() -> None:
    assert spent(situation()) == {
        Phase.RUN_WAITED: (10, True),
        Phase.UPSTREAM: (30, True),
        Phase.LIMITS: (60, False),
    }


def test_of_a_retry_the_earlier_tries_and_the_delay_are_told() -> None:
    tries = EarlierTries(count=1, ran_s=5, ended_at=NOW - timedelta(seconds=80))
    told = spent(situation(earlier=tries, queued_at=NOW - timedelta(seconds=50)))
    assert told == {
        Phase.RUN_WAITED: (10, True),
        Phase.EARLIER_TRIES: (5, True),
        Phase.RETRY_DELAY: (20, True),
        Phase.LIMITS: (10, True),
        Phase.EXECUTOR: (50, False),
    }


def test_of_one_that_never_ran_only_the_run_is_told() -> None:
    skipped = situation(state=TaskInstanceState.SKIPPED, scheduled_at=None, end_date=NOW)
    assert spent(skipped) == {Phase.RUN_WAITED: (10, True)}


def hold(
    since: float, until: float | None, slots: int = 0, *, of_run: bool = False, of_task: bool = False
) -> Hold:
    """Held between seconds after it was scheduled; it waits for 60 and wants 2 of 4 slots."""
    begin = NOW - timedelta(seconds=60)
    end = None if until is None else begin + timedelta(seconds=until)
    return Hold(begin + timedelta(seconds=since), end, slots, of_run, of_task)


@pytest.mark.parametrize(
    ("holds", "told"),
    [
        ([hold(-5, 70, 2)], {}),
        ([hold(-5, 20, 3), hold(20, 30, 1), hold(50, None, 4)], {"pool_full": 30}),
        ([hold(0, 30, 2), hold(10, 40, 1)], {"pool_full": 20}),
        ([hold(0, 10, of_run=True) for _ in range(16)], {"max_active_tasks": 10}),
        ([hold(0, 40, of_task=True), hold(30, 50, of_task=True)], {"max_active_tis_per_dag": 10}),
        ([hold(0, 5, of_run=True, of_task=True)], {"max_active_tis_per_dagrun": 5}),
    ],
    ids=str,
)
def test_time_at_limits_is_told_by_limit(holds: list[Hold], told: dict[str, float]) -> None:
    [limits] = [one for one in time_spent(situation(holds=holds)) if one.phase is Phase.LIMITS]
    assert limits.by_reason == {ReasonCode(code): seconds for code, seconds in told.items()}
