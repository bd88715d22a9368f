from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.timetables.base import Timetable
from flowcore.domain.timetables.cron import CronDataIntervalTimetable, CronTriggerTimetable
from flowcore.domain.timetables.delta import DeltaDataIntervalTimetable, DeltaTriggerTimetable
from flowcore.domain.timetables.events import EventsTimetable
from flowcore.domain.timetables.multiple_cron import MultipleCronTriggerTimetable
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.domain.timetables.simple import ContinuousTimetable, NullTimetable, OnceTimetable
from flowcore.errors import DagError

HOUR = timedelta(hours=1)
TIMETABLES = [
    NullTimetable(),
    OnceTimetable(),
    ContinuousTimetable(),
    CronTriggerTimetable("@daily", timezone="Europe/Zurich"),
    CronTriggerTimetable("0 3 * * MON", timezone="UTC", interval=HOUR, run_immediately=True),
    CronTriggerTimetable("0 3 * * MON", timezone="UTC", run_immediately=timedelta(minutes=10)),
    CronDataIntervalTimetable("30 16 * * *", "America/New_York"),
    MultipleCronTriggerTimetable(
        "@hourly", "30 * * * *", timezone="UTC", interval=HOUR, run_immediately=HOUR
    ),
    DeltaTriggerTimetable(HOUR, interval=timedelta(minutes=1)),
    DeltaDataIntervalTimetable(timedelta(days=1, seconds=0.5)),
    EventsTimetable([datetime(2024, 1, 1, tzinfo=UTC)], True, description="once"),
]


@pytest.mark.parametrize("timetable", TIMETABLES, ids=repr)
def test_timetable_comes_back_from_json_as_it_was(timetable):
    assert load_timetable(json.loads(json.dumps(timetable.serialize()))) == timetable


@pytest.mark.parametrize("timetable", TIMETABLES, ids=repr)
def test_timetable_keeps_the_interface(timetable):
    assert isinstance(timetable, Timetable)
    assert timetable.summary


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (None, NullTimetable()),
        ("@once", OnceTimetable()),
        ("@continuous", ContinuousTimetable()),
        ("@daily", CronTriggerTimetable("0 0 * * *", timezone="Europe/Zurich")),
        ("5 4 * * *", CronTriggerTimetable("5 4 * * *", timezone="Europe/Zurich")),
        (HOUR, DeltaTriggerTimetable(HOUR)),
        (OnceTimetable(), OnceTimetable()),
    ],
)
def test_schedule_finds_its_timetable(schedule, expected):
    assert timetable_for(schedule, "Europe/Zurich") == expected


@pytest.mark.parametrize("schedule", [5, ["@daily"], "@fortnightly", timedelta()], ids=repr)
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(DagError):
        timetable_for(schedule, "UTC")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "unknown type"),
        ({"type": "lunar"}, "unknown type"),
        ({"type": "cron_trigger"}, "malformed: KeyError"),
        ({"type": "delta_trigger", "delta_s": "1", "interval_s": 0}, "malformed: TypeError"),
        ({"type": "events", "event_dates": ["?"], "restrict_to_events": False}, "malformed: ValueError"),
        ({"type": "cron_data_interval", "cron": "?", "timezone": "UTC"}, "is wrong"),
    ],
)
def test_malformed_document_is_refused(document, message):
    with pytest.raises(DagError, match=message):
        load_timetable(document)
