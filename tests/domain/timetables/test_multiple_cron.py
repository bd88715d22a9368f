from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.timetables.base import DataInterval, TimeRestriction
from flowcore.domain.timetables.multiple_cron import MultipleCronTriggerTimetable
from flowcore.errors import DagError

HALF_HOURS = MultipleCronTriggerTimetable("@hourly", "30 * * * *", timezone="UTC")


def at(text):
    return None if text is None else datetime.fromisoformat(f"2024-02-01T{text}").replace(tzinfo=UTC)


def next_of(timetable, *, last=None, earliest=None, latest=None, catchup=False, now="23:00"):
    previous = None if last is None else DataInterval.exact(at(last))
    restriction = TimeRestriction(earliest=at(earliest), latest=at(latest), catchup=catchup)
    return timetable.next_dagrun_info(
        last_automated_data_interval=previous, restriction=restriction, now=at(now)
    )


@pytest.mark.parametrize(
    ("last", "earliest", "expected"),
    [
        (None, "00:00", "00:00"),
        (None, "00:05", "00:30"),
        (None, "00:35", "01:00"),
        ("00:00", "00:00", "00:30"),
        ("00:30", "00:00", "01:00"),
    ],
)
def test_catchup_takes_the_ticks_of_all_expressions(last, earliest, expected):
    assert next_of(HALF_HOURS, last=last, earliest=earliest, catchup=True).run_after == at(expected)


@pytest.mark.parametrize(("now", "expected"), [("00:30", "00:30"), ("01:59", "01:30"), ("00:29", "00:30")])
def test_latest_tick_that_is_due_without_catchup(now, expected):
    assert next_of(HALF_HOURS, last="00:00", now=now).run_after == at(expected)


def test_common_tick_comes_once():
    timetable = MultipleCronTriggerTimetable("0 * * * *", "0 */2 * * *", timezone="UTC")
    assert next_of(timetable, last="02:00", catchup=True).run_after == at("03:00")


def test_nothing_is_due_after_the_end_date():
    assert next_of(HALF_HOURS, last="00:00", latest="00:29", catchup=True) is None


def test_options_hold_for_all_expressions():
    timetable = MultipleCronTriggerTimetable(
        "0 3 * * *", "0 4 * * *", timezone="UTC", interval=timedelta(hours=1)
    )
    info = next_of(timetable, last="03:00", catchup=True)
    assert info.data_interval == DataInterval(at("03:00"), at("04:00"))
    manual = timetable.infer_manual_data_interval(run_after=at("12:00"))
    assert manual == DataInterval(at("11:00"), at("12:00"))


def test_summary_lists_the_expressions():
    assert HALF_HOURS.summary == "0 * * * *, 30 * * * *"


def test_at_least_one_expression_is_needed():
    with pytest.raises(DagError, match="give it at least one"):
        MultipleCronTriggerTimetable(timezone="UTC")
