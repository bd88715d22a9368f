from __future__ import annotations

from datetime import timedelta

from flowcore.database.queries.old_asset_events import OLD_ASSET_EVENTS
from flowcore.database.tables import asset_delivery, asset_event
from flowcore.domain.retention import Retention
from tests.support.scheduling import NOW, Scene

OLD = Retention(before=NOW)


async def add_event(
    scene: Scene, number: int, *, asset: int = 1, days_ago: int, source: str | None = None
) -> None:
    row = {"id": number, "asset_id": asset, "extra": {}, "source_dag_id": source}
    await scene.execute(asset_event.insert().values(**row, created_at=NOW - timedelta(days=days_ago)))


async def found(scene: Scene, retention: Retention = OLD) -> list[int]:
    return [old.id for old in await scene.database.read(OLD_ASSET_EVENTS.find, retention, 0, 100)]


async def test_all_but_the_newest_event_of_an_asset_are_old(scene: Scene) -> None:
    await add_event(scene, 1, days_ago=3)
    await add_event(scene, 2, days_ago=2)
    await add_event(scene, 3, asset=2, days_ago=3)
    assert await found(scene) == [1]
    assert await found(scene, Retention(before=NOW - timedelta(days=3))) == []


async def test_an_event_of_which_a_dag_was_told_stays(scene: Scene) -> None:
    await add_event(scene, 1, days_ago=3)
    await add_event(scene, 2, days_ago=2)
    events = await scene.database.read(OLD_ASSET_EVENTS.find, OLD, 0, 100)
    await scene.execute(asset_delivery.insert().values(dag_id="etl", event_id=1, state="new"))
    assert await found(scene) == []
    assert await scene.database.run(OLD_ASSET_EVENTS.delete, events) == ([], {"asset_event": 0})


async def test_events_belong_to_the_dag_that_made_them(scene: Scene) -> None:
    for number, source in enumerate(("etl", "other", None), start=1):
        await add_event(scene, number, days_ago=9 - number, source=source)
    await add_event(scene, 9, days_ago=0)
    assert await found(scene, Retention(before=NOW, dag_ids=frozenset({"etl"}))) == [1]
    assert await found(scene, Retention(before=NOW, spared_dag_ids=frozenset({"etl"}))) == [2, 3]
