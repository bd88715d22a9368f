from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flowcore.domain.assets import Asset, AssetAlias
from flowcore.domain.timetables.partitioned_assets import KeyNotMapped
from flowcore.domain.timetables.registry import load_timetable, timetable_for
from flowcore.errors import DagError
from flowcore.sdk import (
    DayWindow,
    FanOutMapper,
    FixedKeyMapper,
    IdentityMapper,
    PartitionedAssetTimetable,
    RollupMapper,
    StartOfDayMapper,
    StartOfYearMapper,
)

A, B = Asset("a"), Asset("b", "s3://b/x")
DAILY = PartitionedAssetTimetable(
    assets=A & B,
    partition_mapper_config={A: StartOfDayMapper(), Asset.ref(uri="s3://b/x"): FixedKeyMapper("2024-03-13")},
)


def test_each_asset_has_the_mapper_of_its_name_or_uri():
    assert DAILY.keys_of_runs(A.key, "2024-03-13T05:00:00") == ("2024-03-13",)
    assert DAILY.keys_of_runs(B.key, "whatever") == ("2024-03-13",)
    assert DAILY.keys_of_runs(Asset("c").key, "us") == ("us",)


def test_it_is_stored_and_loaded():
    timetable = timetable_for(DAILY, "UTC")
    assert load_timetable(json.loads(json.dumps(timetable.serialize()))) == DAILY


def test_a_run_has_the_date_on_which_all_mappers_agree():
    assert DAILY.partition("2024-03-13").date == datetime(2024, 3, 13, tzinfo=UTC)
    apart = PartitionedAssetTimetable(
        assets=A & B, partition_mapper_config={A: StartOfDayMapper(), B: StartOfYearMapper()}
    )
    assert apart.partition("2024").date is None


def test_more_runs_than_may_be_are_refused():
    hours = FanOutMapper(upstream_mapper=StartOfDayMapper(), window=DayWindow(), max_downstream_keys=23)
    timetable = PartitionedAssetTimetable(assets=A, default_partition_mapper=hours)
    with pytest.raises(KeyNotMapped, match="it becomes 24 keys; raise max_downstream_keys=23"):
        timetable.keys_of_runs(A.key, "2024-03-13T05:00:00")


def test_what_is_rolled_up_has_arrived_when_all_of_it_has():
    rollup = RollupMapper(upstream_mapper=StartOfDayMapper(), window=DayWindow())
    timetable = PartitionedAssetTimetable(assets=A | B, partition_mapper_config={A: rollup})
    hours = [f"2024-03-13T{hour:02}:00:00" for hour in range(24)]
    assert timetable.has_arrived(A.key, "2024-03-13", hours)
    assert not timetable.has_arrived(A.key, "2024-03-13", hours[1:])
    assert not timetable.has_arrived(A.key, "a key of another asset", hours)
    assert timetable.has_arrived(B.key, "2024-03-13", ["2024-03-13"])


@pytest.mark.parametrize(
    "arguments",
    [
        {"partition_mapper_config": {AssetAlias("x"): IdentityMapper()}},
        {"partition_mapper_config": {A: "daily"}},
        {"partition_mapper_config": 3},
        {"default_partition_mapper": "daily"},
        {"assets": "a"},
    ],
)
def test_what_cannot_be_used_is_refused(arguments):
    with pytest.raises(DagError):
        PartitionedAssetTimetable(**{"assets": A, **arguments})
