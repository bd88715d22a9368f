from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.assets import Asset, AssetAll
from flowcore.domain.timetables.assets import AssetOrTimeSchedule, AssetTriggeredTimetable, condition_in
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.errors import DagError

A, B = Asset("a"), Asset("b", group="raw")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EITHER = AssetOrTimeSchedule(timetable="@daily", assets=[A, B])


def next_of(timetable):
    return timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=NOW), now=NOW
    )


def test_of_several_assets_all_are_waited_for():
    assert timetable_for([A, B], UTC) == AssetTriggeredTimetable(AssetAll(A, B))
    assert timetable_for(A | B, UTC) == AssetTriggeredTimetable(A | B)


def test_assets_are_due_at_no_time():
    assert next_of(timetable_for(A, UTC)) is None


def test_the_time_goes_on_beside_the_assets():
    assert next_of(timetable_for(EITHER, UTC)) == next_of(timetable_for("@daily", UTC))
    assert next_of(timetable_for(EITHER, UTC)).run_after == NOW.replace(hour=0) + timedelta(days=1)


@pytest.mark.parametrize("schedule", [A, [A, B], A | B, EITHER])
def test_documents_become_the_same_timetable_again(schedule):
    timetable = timetable_for(schedule, UTC)
    document = timetable.serialize()
    assert load_timetable(document) == timetable
    assert condition_in(document) == timetable.assets


def test_other_timetables_wait_for_no_assets():
    assert condition_in(timetable_for("@daily", UTC).serialize()) is None


@pytest.mark.parametrize("schedule", [[], [A, "b"], 5])
def test_what_is_no_asset_is_refused(schedule):
    with pytest.raises(DagError, match=r"name at least one|give it assets|or assets"):
        timetable_for(schedule, UTC)
