from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.events import EventsTimetable
from flowcore.errors import DagError


def day(number, month=9):
    return datetime(2021, month, number, tzinfo=UTC)


EVENTS = [day(6), day(7), day(8), day(8), day(9, month=10), day(10)]
START, LATER = day(7), day(1, month=12)


def next_of(timetable, *, last=None, earliest=START, latest=None, catchup=True, now=LATER):
    previous = None if last is None else DataInterval.exact(last)
    restriction = TimeRestriction(earliest=earliest, latest=latest, catchup=catchup)
    return timetable.next_dagrun_info(last_automated_data_interval=previous, restriction=restriction, now=now)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, day(7)),
        (day(6), day(7)),
        (day(7), day(8)),
        (day(8), day(10)),
        (day(10), day(9, month=10)),
        (day(9, month=10), None),
    ],
)
def test_events_follow_each_other_in_order_and_once(last, expected):
    info = next_of(EventsTimetable(EVENTS), last=last)
    assert (info and info.run_after) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (day(1), day(7)),
        (day(8), day(8)),
        (day(9), day(10)),
        (day(9, month=10), day(9, month=10)),
        (day(1, month=12), None),
    ],
)
def test_missed_events_are_passed_over_without_catchup(now, expected):
    info = next_of(EventsTimetable(EVENTS), catchup=False, now=now)
    assert (info and info.run_after) == expected


def test_no_event_after_the_end_date():
    assert next_of(EventsTimetable(EVENTS), last=day(7), latest=day(7)) is None


def test_empty_list_has_no_run():
    assert next_of(EventsTimetable([])) is None


def test_run_by_hand_deals_with_its_moment():
    moment = day(8) + timedelta(hours=5)
    assert EventsTimetable(EVENTS).infer_manual_data_interval(run_after=moment) == DataInterval.exact(moment)


@pytest.mark.parametrize(
    ("run_after", "expected"), [(day(1), day(6)), (day(6), day(6)), (day(9), day(8)), (day(30), day(10))]
)
def test_run_by_hand_takes_the_latest_event_when_restricted(run_after, expected):
    timetable = EventsTimetable(EVENTS, restrict_to_events=True)
    assert timetable.infer_manual_data_interval(run_after=run_after) == DataInterval.exact(expected)


def test_run_by_hand_without_any_event_deals_with_its_moment():
    timetable = EventsTimetable([], restrict_to_events=True)
    assert timetable.infer_manual_data_interval(run_after=day(1)) == DataInterval.exact(day(1))


def test_events_are_kept_in_utc():
    elsewhere = day(6).astimezone(timezone(timedelta(hours=3)))
    assert EventsTimetable([elsewhere]).event_dates[0].tzinfo is UTC


def test_event_without_time_zone_is_refused():
    with pytest.raises(DagError, match="give it a tzinfo"):
        EventsTimetable([datetime(2021, 9, 6)])  # noqa: DTZ001 - the subject of the test


@pytest.mark.parametrize(("description", "summary"), [(None, "5 events"), ("matches", "matches")])
def test_summary_is_the_description_or_the_number(description, summary):
    assert EventsTimetable(EVENTS, description=description).summary == summary
