from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.queries.asset_events import NewAssetEvent, record_asset_events
from flowcore.database.queries.seen_asset_events import consumed_asset_events
from flowcore.database.tables import asset_delivery, dag_run
from flowcore.domain.assets import Asset, AssetUpdate
from flowcore.domain.dags import Dag
from flowcore.domain.partitions.mappers import AllowedKeyMapper, FixedKeyMapper
from flowcore.domain.partitions.rollup import FanOutMapper, MinimumCount, RollupMapper
from flowcore.domain.partitions.temporal import StartOfDayMapper, StartOfWeekMapper
from flowcore.domain.partitions.windows import SegmentWindow, WeekWindow
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from flowcore.domain.timetables.partitioned_assets import PartitionedAssetTimetable
from flowcore.scheduler.routines.create_asset_runs import CreateAssetRuns
from tests.support.scheduling import Scene, single

A, B = Asset("a"), Asset("b")
REGIONS = SegmentWindow(["us", "eu", "apac"])


def waiting(dag_id: str = "reader", assets: Any = A, **arguments: Any) -> Dag:
    return single(dag_id, timetable=PartitionedAssetTimetable(assets=assets, **arguments).serialize())


def rollup(**arguments: Any) -> RollupMapper:
    return RollupMapper(upstream_mapper=FixedKeyMapper("all"), window=REGIONS, **arguments)


async def update(scene: Scene, asset: Asset, *keys: str | None) -> list[str]:
    """Partitions of an asset are updated; the partitions for which there are runs then, by their creation."""
    events = [
        NewAssetEvent(
            update=AssetUpdate(name=asset.name, uri=asset.uri, partition_key=key), created_at=scene.now
        )
        for key in keys
    ]
    await scene.database.run(record_asset_events, events)
    scene.later(1)
    await CreateAssetRuns(scene.store).step(scene.now)
    runs = await scene.rows(sa.select(dag_run.c.partition_key).order_by(dag_run.c.id))
    return [run.partition_key for run in runs]


async def test_each_partition_has_a_run_when_all_assets_have_it(scene: Scene) -> None:
    await scene.register(waiting(assets=A & B))
    assert await update(scene, A, "us", "eu") == []
    assert await update(scene, B, "eu") == ["eu"]
    assert await update(scene, B, "us") == ["eu", "us"]
    [run, _] = await scene.rows(sa.select(dag_run).order_by(dag_run.c.id))
    assert (run.run_type, run.logical_date, run.partition_date) == ("asset_triggered", None, None)
    consumed = await scene.database.read(consumed_asset_events, run.id)
    assert [(event.asset.name, event.partition_key) for event in consumed] == [("a", "eu"), ("b", "eu")]


async def test_a_partition_that_is_updated_again_has_another_run(scene: Scene) -> None:
    await scene.register(waiting())
    assert await update(scene, A, "us") == ["us"]
    assert await update(scene, A, "us") == ["us", "us"]


async def test_a_rollup_waits_for_all_that_belongs_to_it(scene: Scene) -> None:
    await scene.register(waiting(default_partition_mapper=rollup()))
    await scene.register(waiting("early", default_partition_mapper=rollup(wait_policy=MinimumCount(2))))
    assert await update(scene, A, "us", "us", "mars") == []
    assert await update(scene, A, "eu") == ["all"]
    assert await update(scene, A, "apac") == ["all", "all"]
    counted = sa.select(dag_run.c.dag_id).order_by(dag_run.c.id)
    assert [row.dag_id for row in await scene.rows(counted)] == ["early", "reader"]


async def test_one_update_starts_many_runs_with_their_dates(scene: Scene) -> None:
    mapper = FanOutMapper(upstream_mapper=StartOfWeekMapper(), window=WeekWindow())
    await scene.register(waiting(default_partition_mapper=mapper))
    keys = await update(scene, A, "2026-03-04T00:00:00")
    assert keys == [f"2026-03-{day:02}" for day in range(2, 9)]
    runs = await scene.rows(sa.select(dag_run.c.partition_date).order_by(dag_run.c.id))
    assert [run.partition_date.day for run in runs] == list(range(2, 9))


async def test_assets_may_have_mappers_of_their_own(scene: Scene) -> None:
    config = {A: StartOfDayMapper(), Asset.ref(name="b"): StartOfDayMapper(input_format="%d.%m.%Y")}
    await scene.register(waiting(assets=A & B, partition_mapper_config=config))
    await update(scene, A, "2026-03-04T17:00:00")
    assert await update(scene, B, "04.03.2026") == ["2026-03-04"]


async def test_a_key_that_cannot_be_mapped_is_told_and_stops_nobody(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await scene.register(waiting(default_partition_mapper=AllowedKeyMapper(["us"])))
    assert await update(scene, A, "mars", "us") == ["us"]
    assert "the Dag 'reader': partition 'mars' of asset 'a' starts no run: only us are allowed" in caplog.text


async def test_partitions_and_whole_assets_are_told_apart(scene: Scene) -> None:
    await scene.register(waiting(), single("whole", timetable=AssetTriggeredTimetable(A).serialize()))
    assert await update(scene, A, "us") == ["us"]
    assert await update(scene, A, None) == ["us", None]


async def test_a_changed_mapper_looks_at_what_waits(scene: Scene) -> None:
    await scene.register(waiting(default_partition_mapper=rollup()))
    assert await update(scene, A, "us", "eu") == []
    await scene.register(waiting(default_partition_mapper=rollup(wait_policy=MinimumCount(2))))
    assert await update(scene, B, "x") == ["all"]
    await scene.register(single("reader", timetable=AssetTriggeredTimetable(A).serialize()))
    pending = sa.select(asset_delivery).where(asset_delivery.c.dag_run_id.is_(None))
    assert await scene.rows(pending) == []
