"""A timetable that a package brings, as an author wrote it for Airflow: without `now` or a base class."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from flowcore.domain.timetables.following import next_run
from flowcore.domain.timetables.plug_ins import PlugInTimetable
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.errors import DagError
from tests.support.plug_ins import importable, write_distribution

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = """
from datetime import timedelta

from flowcore.abc import DagRunInfo, DataInterval


class EveryNthDay:
    def __init__(self, days):
        self.days = days

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        last = last_automated_data_interval
        start = restriction.earliest if last is None else last.end
        return None if start is None else DagRunInfo.interval(start, start + timedelta(days=self.days))

    def infer_manual_data_interval(self, *, run_after):
        return DataInterval(run_after - timedelta(days=self.days), run_after)

    def serialize(self):
        return {"days": self.days}

    @classmethod
    def deserialize(cls, stored):
        return cls(stored["days"])


class Unknown(EveryNthDay):
    pass
"""
POINTS = {"flowcore.timetables": {"every_nth_day": "days_off:EveryNthDay", "broken": "days_off:Absent"}}


@pytest.fixture
def days_off(tmp_path: Path) -> Iterator[Any]:
    """The module of an installed package that brings a timetable."""
    write_distribution(tmp_path, "days-off", {"days_off": SOURCE}, POINTS)
    with importable(tmp_path):
        import days_off  # type: ignore[import-not-found]

        yield days_off


def test_an_object_of_its_class_is_a_schedule_and_comes_back_from_json(days_off: Any) -> None:
    timetable = timetable_for(days_off.EveryNthDay(3), "UTC")
    assert isinstance(timetable, PlugInTimetable)
    assert isinstance(timetable, Timetable)
    loaded = load_timetable(json.loads(json.dumps(timetable.serialize())))
    assert loaded == timetable
    assert (loaded.summary, loaded.active_runs_limit, loaded.is_periodic) == ("every_nth_day", None, True)


def test_runs_are_due_as_it_says(days_off: Any) -> None:
    timetable = timetable_for(days_off.EveryNthDay(3), "UTC")
    restriction = TimeRestriction(earliest=NOW)
    first = next_run(timetable, restriction, last_interval=None, now=NOW)
    assert first == DagRunInfo.interval(NOW, NOW + 3 * DAY)
    assert first is not None
    second = next_run(timetable, restriction, last_interval=first.data_interval, now=NOW)
    assert second == DagRunInfo.interval(NOW + 3 * DAY, NOW + 6 * DAY)
    assert timetable.infer_manual_data_interval(run_after=NOW) == DataInterval(NOW - 3 * DAY, NOW)


def test_it_is_told_the_time_if_it_asks_for_it(days_off: Any) -> None:
    class Punctual(days_off.EveryNthDay):  # type: ignore[misc, name-defined]
        def next_dagrun_info(self, *, now: datetime, **_: Any) -> DagRunInfo:
            return DagRunInfo.exact(now)

    timetable = PlugInTimetable.of("punctual", Punctual(1))
    assert next_run(timetable, TimeRestriction(), last_interval=None, now=NOW) == DagRunInfo.exact(NOW)


def test_its_limit_and_kind_are_heeded(days_off: Any) -> None:
    written = days_off.EveryNthDay(1)
    written.summary, written.active_runs_limit, written.periodic = "each day", 1, False
    timetable = PlugInTimetable.of("every_nth_day", written)
    assert (timetable.summary, timetable.active_runs_limit, timetable.is_periodic) == ("each day", 1, False)


def test_a_class_that_no_entry_point_names_is_refused_with_the_remedy(days_off: Any) -> None:
    with pytest.raises(DagError, match=r"name its class in an entry point of the group flowcore\.timetables"):
        timetable_for(days_off.Unknown(3), "UTC")


def test_a_timetable_that_is_not_installed_here_is_named() -> None:
    with pytest.raises(DagError, match=r"unknown type.*'elsewhere'.*install the package whose entry point"):
        load_timetable({"type": "elsewhere", "plug_in": {}})


@pytest.mark.usefixtures("days_off")
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"type": "broken", "plug_in": {}}, "'broken' .* cannot be loaded: AttributeError"),
        ({"type": "every_nth_day", "plug_in": {}}, "cannot be loaded: KeyError: 'days'"),
    ],
)
def test_a_timetable_that_cannot_be_loaded_says_why(document: dict[str, Any], message: str) -> None:
    with pytest.raises(DagError, match=message):
        load_timetable(document)


def test_errors_of_its_author_name_it(days_off: Any) -> None:
    timetable = timetable_for(days_off.EveryNthDay("three"), "UTC")
    with pytest.raises(DagError, match=r"every_nth_day failed with TypeError.*correct its next_dagrun_info"):
        next_run(timetable, TimeRestriction(earliest=NOW), last_interval=None, now=NOW)
    with pytest.raises(DagError, match=r"'every_nth_day' failed with TypeError.*infer_manual_data_interval"):
        timetable.infer_manual_data_interval(run_after=NOW)


def test_a_timetable_that_cannot_be_stored_says_so(days_off: Any) -> None:
    written = days_off.EveryNthDay(1)
    written.serialize = lambda: 7
    with pytest.raises(DagError, match="'every_nth_day' cannot be stored"):
        timetable_for(written, "UTC")
