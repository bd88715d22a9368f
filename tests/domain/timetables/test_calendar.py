"""Schedules of months and years; the moments are those that dateutil's own arithmetic gives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from dateutil.relativedelta import FR, relativedelta
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.timetables.base import DagRunInfo, TimeRestriction
from flowcore.domain.timetables.calendar import CalendarDelta, read_delta
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable, DeltaTriggerTimetable
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.errors import DagError

NOW = datetime(2026, 6, 29, tzinfo=UTC)
MONTHLY, YEARLY = relativedelta(months=1), relativedelta(years=1)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
periods = st.builds(
    relativedelta,
    years=st.integers(0, 5),
    months=st.integers(1, 40),
    days=st.integers(0, 40),
    hours=st.integers(0, 30),
)


def test_a_relativedelta_of_months_is_a_period_of_the_calendar() -> None:
    assert read_delta(relativedelta(years=1, months=2, days=3)) == CalendarDelta(14, timedelta(days=3))
    assert str(read_delta(relativedelta(years=1, months=2))) == "1 year, 2 months"


def test_a_relativedelta_without_months_is_a_duration() -> None:
    assert read_delta(relativedelta(days=1, hours=2)) == timedelta(hours=26)


@given(moments, periods)
def test_moments_are_those_of_dateutil(moment: datetime, period: relativedelta) -> None:
    delta = read_delta(period)
    assert moment + delta == moment + period
    assert isinstance(delta, CalendarDelta)


def interval(info: DagRunInfo | None) -> tuple[str, str]:
    assert info is not None
    assert info.data_interval is not None
    return f"{info.data_interval.start:%Y-%m-%d}", f"{info.data_interval.end:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("period", "start", "expected"),
    [
        (MONTHLY, datetime(2025, 1, 15, tzinfo=UTC), ("2026-05-15", "2026-06-15")),
        (MONTHLY, datetime(2025, 1, 31, tzinfo=UTC), ("2026-05-28", "2026-06-28")),
        (YEARLY, datetime(2020, 3, 10, tzinfo=UTC), ("2025-03-10", "2026-03-10")),
        (MONTHLY, None, ("2026-05-29", "2026-06-29")),
    ],
)
def test_without_catchup_the_newest_interval_that_is_over_comes_first(
    period: relativedelta, start: datetime | None, expected: tuple[str, str]
) -> None:
    timetable = DeltaDataIntervalTimetable(period)
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=start), now=NOW
    )
    assert interval(info) == expected


def test_intervals_follow_each_other() -> None:
    timetable = DeltaDataIntervalTimetable(MONTHLY)
    restriction = TimeRestriction(earliest=datetime(2026, 1, 31, tzinfo=UTC), catchup=True)
    last, found = None, []
    for _ in range(3):
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction, now=NOW)
        found.append(interval(info))
        last = info and info.data_interval
    assert found == [("2026-01-31", "2026-02-28"), ("2026-02-28", "2026-03-28"), ("2026-03-28", "2026-04-28")]


def test_a_relativedelta_is_a_schedule_and_comes_back_from_its_document() -> None:
    timetable = timetable_for(MONTHLY, "UTC")
    assert timetable == DeltaTriggerTimetable(MONTHLY)
    assert load_timetable(timetable.serialize()) == timetable
    assert timetable.summary == "1 month"
    intervals = DeltaDataIntervalTimetable(relativedelta(months=1, days=1))
    assert load_timetable(intervals.serialize()) == intervals


@pytest.mark.parametrize(
    ("period", "message"),
    [
        (relativedelta(), "must be positive"),
        (relativedelta(months=-1), "must be positive"),
        (relativedelta(months=1, days=-40), "must be positive"),
        (relativedelta(day=31), r"names a place in the calendar \(day\)"),
        (relativedelta(months=1, weekday=FR), r"names a place in the calendar \(weekday\)"),
        ("a while", "is no period"),
    ],
)
def test_what_is_no_period_is_refused(period: object, message: str) -> None:
    with pytest.raises(DagError, match=message):
        read_delta(period)
