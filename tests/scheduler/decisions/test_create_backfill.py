from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from flowcore.domain.backfills import BackfillRequest, ReprocessBehavior
from flowcore.domain.states import DagRunState
from flowcore.domain.timetables.base import Timetable
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.domain.timetables.delta import DeltaTriggerTimetable
from flowcore.domain.timetables.events import EventsTimetable
from flowcore.domain.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from flowcore.errors import UsageError
from flowcore.scheduler.decisions.create_backfill import (
    RUNS_MAX,
    check_backfill,
    dates_between,
    plan_backfill,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAILY = CronTriggerTimetable("@daily", timezone="UTC")
THREE_DAYS = BackfillRequest(dag_id="etl", from_date=NOW - timedelta(days=4), to_date=NOW - timedelta(days=1))


def days(request: BackfillRequest, timetable: Timetable = DAILY) -> list[int]:
    return [date.day for date, _ in dates_between(request, timetable, now=NOW)]


def actions(behavior: ReprocessBehavior, *states: DagRunState | None, backwards: bool = False) -> list[str]:
    """What is planned when the runs of the first dates are in these states."""
    request = attrs.evolve(THREE_DAYS, reprocess_behavior=behavior, run_backwards=backwards)
    dates = dates_between(request, DAILY, now=NOW)
    existing = {date: state for (date, _), state in zip(dates, states, strict=True) if state}
    return [f"{planned.ordinal}: {planned.action}" for planned in plan_backfill(request, dates, existing)]


def test_dates_are_those_of_the_schedule_between_both_ends() -> None:
    assert days(THREE_DAYS) == [7, 8, 9]
    one = attrs.evolve(THREE_DAYS, from_date=NOW.replace(day=8, hour=0), to_date=NOW.replace(day=8, hour=0))
    assert days(one) == [8]


def test_dates_whose_intervals_are_not_over_are_left_out() -> None:
    request = attrs.evolve(THREE_DAYS, to_date=NOW + timedelta(days=5))
    assert days(request) == [7, 8, 9, 10]
    assert days(request, CronDataIntervalTimetable("@daily", timezone="UTC")) == [7, 8, 9]


def test_nothing_is_started_again_unless_that_is_asked() -> None:
    states = (DagRunState.SUCCESS, DagRunState.FAILED, None)
    assert actions(ReprocessBehavior.NONE, *states) == [
        "1: already exists",
        "2: already exists",
        "3: create",
    ]
    assert actions(ReprocessBehavior.FAILED, *states) == ["1: already exists", "2: reprocess", "3: create"]
    assert actions(ReprocessBehavior.COMPLETED, *states) == ["1: reprocess", "2: reprocess", "3: create"]


@pytest.mark.parametrize("behavior", ReprocessBehavior)
def test_runs_that_have_not_ended_are_left_alone(behavior: ReprocessBehavior) -> None:
    found = actions(behavior, DagRunState.QUEUED, DagRunState.RUNNING, None)
    assert found == ["1: in flight", "2: in flight", "3: create"]


def test_the_newest_comes_first_when_it_runs_backwards() -> None:
    found = actions(ReprocessBehavior.NONE, DagRunState.SUCCESS, None, None, backwards=True)
    assert found == ["1: create", "2: create", "3: already exists"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"from_date": NOW, "to_date": NOW - timedelta(days=1)}, "ends before it begins; swap its dates"),
        ({"from_date": NOW + timedelta(1), "to_date": NOW + timedelta(2)}, "lies in the future; choose"),
        ({"max_active_runs": 0}, "would never start; allow at least 1"),
        ({"from_date": datetime(2026, 3, 1)}, "dates without a zone; give them a tzinfo"),  # noqa: DTZ001
    ],
)
def test_a_request_that_makes_no_sense_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_backfill(attrs.evolve(THREE_DAYS, **change), DAILY, now=NOW)


@pytest.mark.parametrize("timetable", [NullTimetable(), OnceTimetable(), ContinuousTimetable()])
def test_a_schedule_without_intervals_cannot_be_made_up_for(timetable: Timetable) -> None:
    with pytest.raises(UsageError, match="asks for no runs between two dates; trigger its runs instead"):
        check_backfill(THREE_DAYS, timetable, now=NOW)


@pytest.mark.parametrize("timetable", [DAILY, DeltaTriggerTimetable(timedelta(days=1))])
def test_others_can(timetable: Timetable) -> None:
    check_backfill(THREE_DAYS, timetable, now=NOW)


def test_dates_on_which_nothing_is_due_are_refused() -> None:
    weekly = CronTriggerTimetable("0 0 * * MON", timezone="UTC")
    request = attrs.evolve(THREE_DAYS, from_date=NOW.replace(day=3), to_date=NOW.replace(day=8))
    with pytest.raises(UsageError, match=r"asks for no runs from .* that are due; choose other dates"):
        dates_between(request, weekly, now=NOW)
    with pytest.raises(UsageError, match="asks for no runs"):
        dates_between(THREE_DAYS, EventsTimetable([NOW]), now=NOW)


def test_more_runs_than_one_transaction_holds_are_refused() -> None:
    minutely = CronTriggerTimetable("* * * * *", timezone="UTC")
    request = attrs.evolve(THREE_DAYS, from_date=NOW - timedelta(minutes=RUNS_MAX + 1))
    with pytest.raises(UsageError, match=f"more than {RUNS_MAX} runs; split it into several"):
        dates_between(attrs.evolve(request, to_date=NOW), minutely, now=NOW)
