from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from flowcore.domain.partitions.base import Partition
from flowcore.domain.timetables.base import TimeRestriction
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.errors import DagError
from flowcore.sdk import CronPartitionTimetable, PartitionedAtRuntime

NOW = datetime(2024, 3, 13, 4, 30, tzinfo=UTC)


def partition_of(timetable: CronPartitionTimetable) -> Partition | None:
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=NOW), now=NOW
    )
    assert info is not None
    assert info.run_after == datetime(2024, 3, 13, 16, tzinfo=UTC)
    return info.partition


@pytest.mark.parametrize(
    ("offset", "key", "days"),
    [(None, "2024-03-14T00:00:00", 0), (1, "2024-03-15T00:00:00", 1), (-2, "2024-03-12T00:00:00", -2)],
)
def test_a_run_is_for_the_partition_of_its_tick_or_one_nearby(
    offset: int | None, key: str, days: int
) -> None:
    timetable = CronPartitionTimetable("0 0 * * *", timezone="Asia/Taipei", run_offset=offset)
    date = datetime(2024, 3, 13, 16, tzinfo=UTC) + timedelta(days=days)
    assert partition_of(timetable) == Partition(key, date)
    assert timetable.partition(key) == Partition(key, date)


def test_keys_are_written_by_their_format() -> None:
    timetable = CronPartitionTimetable("0 16 * * *", timezone="UTC", key_format="%Y-%m-%d")
    assert partition_of(timetable) == Partition("2024-03-13", datetime(2024, 3, 13, 16, tzinfo=UTC))
    with pytest.raises(ValueError, match="does not match format"):
        timetable.partition("13.03.2024")


@pytest.mark.parametrize(
    "timetable",
    [
        CronPartitionTimetable("@daily", timezone="UTC", run_offset=-1, key_format="%d"),
        PartitionedAtRuntime(),
    ],
)
def test_they_are_stored_and_loaded(timetable: CronPartitionTimetable | PartitionedAtRuntime) -> None:
    stored = timetable_for(timetable, "UTC").serialize()
    assert load_timetable(json.loads(json.dumps(stored))) == timetable


def test_an_offset_in_days_is_refused() -> None:
    with pytest.raises(DagError, match="use a whole number"):
        CronPartitionTimetable("@daily", timezone="UTC", run_offset=timedelta(days=1))  # type: ignore[arg-type]
