"""Delta timetables: Airflow's sequences, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable, DeltaTriggerTimetable
from flowcore.errors import DagError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(text):
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def interval(start, end):
    return DataInterval(at(start), at(end))


def next_of(timetable, *, last=None, earliest=None, latest=None, catchup=False, now="2099-01-01T00:00"):
    moment = last if isinstance(last, DataInterval | None) else DataInterval.exact(at(last))
    restriction = TimeRestriction(earliest=at(earliest), latest=at(latest), catchup=catchup)
    return timetable.next_dagrun_info(
        last_automated_data_interval=moment, restriction=restriction, now=at(now)
    )


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, "2021-09-07T00:00"),
        ("2021-09-06T16:30", "2021-09-07T16:30"),
        ("2021-09-07T16:30", "2021-09-08T16:30"),
    ],
)
def test_trigger_counts_from_the_last_run(last, expected):
    timetable = DeltaTriggerTimetable(DAY)
    info = next_of(timetable, last=last, earliest="2021-09-06T00:00", now="2021-09-07T00:00")
    assert info.run_after == at(expected)


@pytest.mark.parametrize(
    ("now", "earliest", "expected"),
    [
        ("2022-07-27T00:00", "2021-09-04T00:00", "2022-07-27T00:00"),
        ("2022-07-27T00:30", "2021-09-04T00:00", "2022-07-27T00:30"),
        ("2022-07-27T01:00", "2021-09-04T00:00", "2022-07-27T01:00"),
        ("2022-07-27T01:30", "2021-09-04T00:00", "2022-07-27T01:30"),
        ("2022-07-27T00:30", "2199-12-31T22:30", "2199-12-31T22:30"),
    ],
)
def test_trigger_without_catchup_is_due_now(now, earliest, expected):
    info = next_of(DeltaTriggerTimetable(HOUR), last="2021-09-05T00:00", earliest=earliest, now=now)
    assert info.run_after == at(expected)


@pytest.mark.parametrize(
    ("last", "earliest", "expected"),
    [
        ("2022-07-27T00:00", "2021-09-04T00:00", "2022-07-27T01:00"),
        ("2022-07-27T00:30", "2021-09-04T00:00", "2022-07-27T01:30"),
        (None, "2022-07-27T00:00", "2022-07-27T00:00"),
        (None, "2022-07-27T00:30", "2022-07-27T00:30"),
    ],
)
def test_trigger_with_catchup_takes_every_step(last, earliest, expected):
    info = next_of(DeltaTriggerTimetable(HOUR), last=last, earliest=earliest, catchup=True)
    assert info.run_after == at(expected)


@pytest.mark.parametrize("catchup", [True, False])
def test_first_trigger_without_start_date_is_due_now(catchup):
    info = next_of(DeltaTriggerTimetable(HOUR), catchup=catchup, now="2024-05-05T12:34")
    assert info.run_after == at("2024-05-05T12:34")


def test_trigger_with_an_interval_is_dated_by_its_start():
    info = next_of(DeltaTriggerTimetable(DAY, interval=HOUR), last="2024-01-01T00:00", catchup=True)
    assert info.data_interval == interval("2024-01-01T23:00", "2024-01-02T00:00")


def test_nothing_is_triggered_after_the_end_date():
    timetable = DeltaTriggerTimetable(HOUR)
    assert next_of(timetable, last="2024-01-01T00:00", latest="2024-01-01T00:59", catchup=True) is None


@pytest.mark.parametrize("now", ["2024-05-05T12:00", "2024-05-05T12:59"])
def test_newest_complete_interval_without_catchup(now):
    last = interval("2024-05-01T00:00", "2024-05-01T01:00")
    info = next_of(DeltaDataIntervalTimetable(HOUR), last=last, now=now)
    assert info.data_interval == interval("2024-05-05T11:00", "2024-05-05T12:00")


def test_interval_with_catchup_starts_at_the_last_end():
    last = interval("2024-05-01T00:07", "2024-05-01T01:07")
    info = next_of(DeltaDataIntervalTimetable(HOUR), last=last, catchup=True)
    assert info.data_interval == interval("2024-05-01T01:07", "2024-05-01T02:07")


def test_first_interval_with_catchup_starts_at_the_start_date():
    info = next_of(DeltaDataIntervalTimetable(HOUR), earliest="2024-05-01T00:07", catchup=True)
    assert info.data_interval == interval("2024-05-01T00:07", "2024-05-01T01:07")


def test_empty_last_interval_does_not_make_a_logical_date_come_twice():
    info = next_of(DeltaDataIntervalTimetable(DAY), last="2024-05-01T17:00", catchup=True)
    assert info.data_interval == interval("2024-05-02T17:00", "2024-05-03T17:00")


@pytest.mark.parametrize(
    ("timetable", "expected"),
    [
        (DeltaDataIntervalTimetable(HOUR), ("2024-05-05T11:30", "2024-05-05T12:30")),
        (DeltaTriggerTimetable(HOUR), ("2024-05-05T12:30", "2024-05-05T12:30")),
    ],
)
def test_run_triggered_by_hand_is_for_the_time_before_it(timetable, expected):
    found = timetable.infer_manual_data_interval(run_after=at("2024-05-05T12:30"))
    assert found == interval(*expected)


@pytest.mark.parametrize("make", [DeltaTriggerTimetable, DeltaDataIntervalTimetable])
@pytest.mark.parametrize("delta", [timedelta(), -HOUR])
def test_period_must_be_positive(make, delta):
    with pytest.raises(DagError, match="must be positive"):
        make(delta)
