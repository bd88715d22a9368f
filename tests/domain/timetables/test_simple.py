from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable

NOW = datetime(2024, 3, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def day(number):
    return datetime(2024, 3, number, tzinfo=UTC)


def next_of(timetable, *, last=None, earliest=None, latest=None, catchup=False, now=NOW):
    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=catchup)
    return timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction, now=now)


@pytest.mark.parametrize("timetable", [NullTimetable(), OnceTimetable(), ContinuousTimetable()])
def test_run_triggered_by_hand_deals_with_its_moment(timetable):
    assert timetable.infer_manual_data_interval(run_after=NOW) == DataInterval(NOW, NOW)


def test_null_never_has_a_run():
    assert next_of(NullTimetable(), earliest=day(1), catchup=True) is None


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize(
    ("earliest", "latest", "expected"),
    [
        (None, None, NOW),
        (None, NOW + DAY, NOW),
        (None, NOW - DAY, None),
        (day(1), None, day(1)),
        (day(9), None, day(9)),
    ],
)
def test_once_is_due_at_the_start_date_or_now(catchup, earliest, latest, expected):
    info = next_of(OnceTimetable(), earliest=earliest, latest=latest, catchup=catchup)
    assert (info and info.run_after) == expected


def test_once_is_over_after_one_run():
    assert next_of(OnceTimetable(), last=DataInterval.exact(day(1))) is None


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (day(6), None, (day(3), day(6))),
        (day(1), None, (day(3), day(3))),
        (day(7), (day(3), day(6)), (day(6), day(7))),
        (day(6), (day(3), day(6)), (day(6), day(6))),
        # Asked before the last run was even due: the next interval starts where that one ends.
        (day(5), (day(3), day(6)), (day(6), day(6))),
        (day(12), None, None),
        (day(12), (day(3), day(6)), None),
    ],
)
def test_continuous_covers_the_time_since_the_last_run(now, last, expected):
    previous = None if last is None else DataInterval(*last)
    info = next_of(ContinuousTimetable(), last=previous, earliest=day(3), latest=day(10), now=now)
    assert (info and info.data_interval) == (None if expected is None else DataInterval(*expected))
    assert info is None or info.run_after == info.data_interval.end


def test_continuous_without_start_date_starts_now():
    assert next_of(ContinuousTimetable()).data_interval == DataInterval(NOW, NOW)


def test_continuous_gives_no_logical_date_twice():
    last = DataInterval.exact(NOW)
    assert next_of(ContinuousTimetable(), last=last, now=NOW + DAY).logical_date > NOW


def test_continuous_runs_are_one_at_a_time():
    assert ContinuousTimetable().active_runs_limit == 1
