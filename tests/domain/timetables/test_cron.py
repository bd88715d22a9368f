"""Cron timetables: Airflow's sequences. Times are in UTC unless a zone is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.errors import DagError

ZURICH, NEW_YORK, LORD_HOWE = "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"
LOS_ANGELES = "America/Los_Angeles"
FAR = "2099-01-01T00:00"


def at(text):
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def interval(start, end):
    return DataInterval(at(start), at(end))


def trigger(cron, zone="UTC", **options):
    return CronTriggerTimetable(cron, timezone=zone, **options)


def next_of(timetable, *, last=None, earliest=None, latest=None, catchup=False, now=FAR):
    """The next run; `last` is a moment or an interval."""
    moment = last if isinstance(last, DataInterval | None) else DataInterval.exact(at(last))
    restriction = TimeRestriction(earliest=at(earliest), latest=at(latest), catchup=catchup)
    return timetable.next_dagrun_info(
        last_automated_data_interval=moment, restriction=restriction, now=at(now)
    )


def intervals_of(timetable, *, earliest, number):
    found = [next_of(timetable, earliest=earliest, catchup=True).data_interval]
    while len(found) < number:
        found.append(next_of(timetable, last=found[-1], earliest=earliest, catchup=True).data_interval)
    return found


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, "2021-09-06T16:30"),
        ("2021-09-06T16:30", "2021-09-07T16:30"),
        ("2021-09-07T16:30", "2021-09-08T16:30"),
    ],
)
def test_trigger_takes_the_latest_tick_that_has_had_no_run(last, expected):
    info = next_of(trigger("30 16 * * *"), last=last, earliest="2021-09-06T00:00", now="2021-09-07T00:00")
    assert info.run_after == at(expected)


@pytest.mark.parametrize(
    ("now", "earliest", "expected"),
    [
        ("2022-07-27T00:00", "2021-09-04T00:00", "2022-07-27T00:00"),
        ("2022-07-27T00:30", "2021-09-04T00:00", "2022-07-27T00:00"),
        ("2022-07-27T01:00", "2021-09-04T00:00", "2022-07-27T01:00"),
        ("2022-07-27T01:30", "2021-09-04T00:00", "2022-07-27T01:00"),
        ("2022-07-27T00:30", "2199-12-31T22:30", "2199-12-31T23:00"),
    ],
)
def test_trigger_without_catchup_passes_over_missed_ticks(now, earliest, expected):
    info = next_of(trigger("@hourly"), last="2021-09-05T00:00", earliest=earliest, now=now)
    assert info.run_after == at(expected)


@pytest.mark.parametrize(
    ("last", "earliest", "expected"),
    [
        ("2022-07-27T00:00", "2021-09-04T00:00", "2022-07-27T01:00"),
        ("2022-07-27T00:30", "2021-09-04T00:00", "2022-07-27T01:00"),
        (None, "2022-07-27T00:00", "2022-07-27T00:00"),
        (None, "2022-07-27T00:30", "2022-07-27T01:00"),
    ],
)
def test_trigger_with_catchup_takes_every_tick(last, earliest, expected):
    info = next_of(trigger("@hourly"), last=last, earliest=earliest, catchup=True)
    assert info.run_after == at(expected)


def test_trigger_is_dated_by_its_tick():
    info = next_of(trigger("@daily"), last="2024-01-01T00:00", catchup=True)
    assert (info.logical_date, info.data_interval) == (info.run_after, DataInterval.exact(info.run_after))


def test_trigger_with_an_interval_is_dated_by_its_start():
    timetable = trigger("30 16 * * MON", interval=timedelta(hours=16, minutes=30))
    info = next_of(timetable, last=interval("2022-08-01T00:00", "2022-08-01T16:30"), catchup=True)
    assert info.data_interval == interval("2022-08-08T00:00", "2022-08-08T16:30")
    assert (info.logical_date, info.run_after) == (at("2022-08-08T00:00"), at("2022-08-08T16:30"))


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize(
    ("cron", "run_immediately", "now", "expected"),
    [
        ("0 3 * * *", True, "2024-05-05T12:05", "2024-05-05T03:00"),
        ("0 3 * * *", False, "2024-05-05T03:05", "2024-05-05T03:00"),
        ("0 3 * * *", None, "2024-05-05T03:05", "2024-05-05T03:00"),
        ("0 3 * * *", False, "2024-05-05T12:05", "2024-05-06T03:00"),
        ("0 3 * * *", timedelta(minutes=10), "2024-05-05T03:05", "2024-05-05T03:00"),
        ("0 3 * * *", timedelta(minutes=10), "2024-05-05T12:05", "2024-05-06T03:00"),
        ("*/10 3 * * *", False, "2024-05-05T03:05", "2024-05-05T03:00"),
        ("*/10 3 * * *", False, "2024-05-05T03:06", "2024-05-05T03:10"),
    ],
)
def test_first_run_without_start_date(catchup, cron, run_immediately, now, expected):
    timetable = trigger(cron, run_immediately=run_immediately)
    assert next_of(timetable, catchup=catchup, now=now).run_after == at(expected)


@pytest.mark.parametrize(("latest", "has_run"), [("2024-01-02T00:00", True), ("2024-01-01T23:59", False)])
def test_nothing_is_triggered_after_the_end_date(latest, has_run):
    info = next_of(trigger("@daily"), last="2024-01-01T00:00", latest=latest, catchup=True)
    assert (info is not None) is has_run


def test_run_triggered_by_hand_is_for_the_interval_before_it():
    timetable = trigger("@daily", interval=timedelta(hours=2))
    found = timetable.infer_manual_data_interval(run_after=at("2024-01-01T07:00"))
    assert found == interval("2024-01-01T05:00", "2024-01-01T07:00")


@pytest.mark.parametrize("last", [None, interval("2021-09-04T16:30", "2021-09-05T16:30")])
def test_first_interval_may_end_in_the_future(last):
    timetable = CronDataIntervalTimetable("30 16 * * *", "UTC")
    info = next_of(timetable, last=last, earliest="2021-09-06T00:00", now="2021-09-07T00:00")
    assert info.data_interval == interval("2021-09-06T16:30", "2021-09-07T16:30")
    assert (info.logical_date, info.run_after) == (at("2021-09-06T16:30"), at("2021-09-07T16:30"))


@pytest.mark.parametrize("catchup", [True, False])
@pytest.mark.parametrize("earliest", [None, "2021-09-06T00:00"])
def test_changed_schedule_continues_from_its_last_tick(catchup, earliest):
    timetable = CronDataIntervalTimetable("30 16 * * *", "UTC")
    last = interval("2021-09-06T00:00", "2021-09-07T00:00")
    info = next_of(timetable, last=last, earliest=earliest, catchup=catchup, now="2021-09-07T00:00")
    assert info.data_interval == interval("2021-09-06T16:30", "2021-09-07T16:30")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2024-05-05T12:00", ("2024-05-05T11:00", "2024-05-05T12:00")),
        ("2024-05-05T12:59", ("2024-05-05T11:00", "2024-05-05T12:00")),
    ],
)
def test_newest_complete_interval_without_catchup(now, expected):
    timetable = CronDataIntervalTimetable("@hourly", "UTC")
    info = next_of(timetable, last=interval("2024-05-01T00:00", "2024-05-01T01:00"), now=now)
    assert info.data_interval == interval(*expected)


def test_catchup_continues_from_the_last_end():
    timetable = CronDataIntervalTimetable("@hourly", "UTC")
    info = next_of(timetable, last=interval("2024-05-01T00:00", "2024-05-01T01:00"), catchup=True)
    assert info.data_interval == interval("2024-05-01T01:00", "2024-05-01T02:00")


def test_misaligned_last_interval_is_followed_by_an_aligned_one():
    timetable = CronDataIntervalTimetable("@daily", "UTC")
    info = next_of(timetable, last=interval("2022-08-07T01:00", "2022-08-08T01:00"), catchup=True)
    assert info.data_interval == interval("2022-08-08T00:00", "2022-08-09T00:00")


@pytest.mark.parametrize("catchup", [True, False])
def test_empty_last_interval_does_not_make_a_logical_date_come_twice(catchup):
    timetable = CronDataIntervalTimetable("0 17 * * *", "UTC")
    info = next_of(timetable, last="2021-09-05T17:00", catchup=catchup, now="2021-09-06T16:00")
    assert info.data_interval == interval("2021-09-06T17:00", "2021-09-07T17:00")


def test_catchup_without_start_date_has_no_first_run():
    assert next_of(CronDataIntervalTimetable("@daily", "UTC"), catchup=True) is None


def test_no_interval_starts_after_the_end_date():
    timetable = CronDataIntervalTimetable("@daily", "UTC")
    assert next_of(timetable, earliest="2024-01-02T00:00", latest="2024-01-01T12:00", catchup=True) is None


@pytest.mark.parametrize("run_after", ["2022-08-08T01:00", "2022-08-08T00:00"])
def test_run_triggered_by_hand_is_for_the_last_complete_interval(run_after):
    timetable = CronDataIntervalTimetable("@daily", "UTC")
    found = timetable.infer_manual_data_interval(run_after=at(run_after))
    assert found == interval("2022-08-07T00:00", "2022-08-08T00:00")


@pytest.mark.parametrize(
    ("zone", "cron", "earliest", "bounds"),
    [
        (ZURICH, "0 3 * * *", "2023-03-24T02:00", ["24T02:00", "25T02:00", "26T01:00", "27T01:00"]),
        (ZURICH, "0 2 * * *", "2023-03-24T01:00", ["24T01:00", "25T01:00", "26T01:00", "27T00:00"]),
        (ZURICH, "0 3 * * *", "2023-10-27T01:00", ["27T01:00", "28T01:00", "29T02:00", "30T02:00"]),
        (ZURICH, "0 2 * * *", "2023-10-27T00:00", ["27T00:00", "28T00:00", "29T01:00", "30T01:00"]),
        (
            ZURICH,
            "*/30 * * * *",
            "2023-10-28T23:30",
            ["28T23:30", "29T00:00", "29T00:30", "29T01:00", "29T01:30", "29T02:00"],
        ),
        (LOS_ANGELES, "0 7-8 * * *", "2020-03-07T15:00", ["07T15:00", "07T16:00", "08T14:00", "08T15:00"]),
        (LOS_ANGELES, "0 7,9 * * *", "2020-03-07T15:00", ["07T15:00", "07T17:00", "08T14:00", "08T16:00"]),
    ],
)
def test_intervals_where_the_clocks_change(zone, cron, earliest, bounds):
    found = intervals_of(CronDataIntervalTimetable(cron, zone), earliest=earliest, number=len(bounds) - 1)
    assert [f"{one.start:%dT%H:%M}" for one in found] == bounds[:-1]
    assert [f"{one.end:%dT%H:%M}" for one in found] == bounds[1:]


@pytest.mark.parametrize(
    ("zone", "cron", "run_after", "expected", "following"),
    [
        (
            NEW_YORK,
            "0 2 * * *",
            "2024-03-10T07:30",
            ("2024-03-09T07:00", "2024-03-10T07:00"),
            "2024-03-11T06:00",
        ),
        (
            NEW_YORK,
            "0 2 * * *",
            "2024-03-10T07:00",
            ("2024-03-09T07:00", "2024-03-10T07:00"),
            "2024-03-11T06:00",
        ),
        (
            ZURICH,
            "0 2 * * *",
            "2023-03-26T01:30",
            ("2023-03-25T01:00", "2023-03-26T01:00"),
            "2023-03-27T00:00",
        ),
        (
            LORD_HOWE,
            "0 2 * * *",
            "2024-10-05T15:30",
            ("2024-10-04T15:30", "2024-10-05T15:30"),
            "2024-10-06T15:00",
        ),
        (
            NEW_YORK,
            "0 1 * * *",
            "2024-11-03T05:30",
            ("2024-11-01T05:00", "2024-11-02T05:00"),
            "2024-11-03T06:00",
        ),
    ],
)
def test_run_by_hand_where_the_clocks_change(zone, cron, run_after, expected, following):
    timetable = CronDataIntervalTimetable(cron, zone)
    manual = timetable.infer_manual_data_interval(run_after=at(run_after))
    assert manual == interval(*expected)
    assert next_of(timetable, now=run_after).data_interval == manual
    assert next_of(timetable, last=manual, now=run_after).data_interval == interval(expected[1], following)


crons = st.builds("{} {} * * *".format, st.integers(0, 59), st.sampled_from(["*", "*/2", "0", "1,2", "2"]))


@given(
    cron=crons,
    zone=st.sampled_from([ZURICH, NEW_YORK, LORD_HOWE]),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - as UTC below
)
def test_intervals_have_a_positive_length_and_tile_the_line(cron, zone, start):
    timetable = CronDataIntervalTimetable(cron, zone)
    found = intervals_of(timetable, earliest=start.isoformat(), number=6)
    assert all(one.start < one.end for one in found)
    assert [one.end for one in found[:-1]] == [one.start for one in found[1:]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: trigger("0 0 30 2 *"),
        lambda: trigger("@daily", "Mars/Olympus"),
        lambda: CronDataIntervalTimetable("0 0 1 13 0", "UTC"),
        lambda: CronDataIntervalTimetable("@daily", "Mars/Olympus"),
    ],
)
def test_wrong_schedule_is_refused_at_once(make):
    with pytest.raises(DagError):
        make()
