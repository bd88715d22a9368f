from __future__ import annotations

from datetime import timedelta

from flowcore.database.queries.old_asset_deliveries import OLD_ASSET_DELIVERIES as KIND
from flowcore.database.tables import asset_delivery, asset_event
from flowcore.domain.retention import Retention
from tests.support.scheduling import NOW, Scene

OLD = Retention(before=NOW)


async def deliver(
    scene: Scene, number: int, *dag_ids: str, asset: int = 1, state: str = "seen", run: int | None = None
) -> None:
    """An event, the earlier the smaller its number, of which Dags were told."""
    at = NOW - timedelta(days=99 - number)
    await scene.execute(asset_event.insert().values(id=number, asset_id=asset, extra={}, created_at=at))
    for dag_id in dag_ids:
        row = {"dag_id": dag_id, "event_id": number, "state": state, "dag_run_id": run}
        await scene.execute(asset_delivery.insert().values(**row))


async def found(scene: Scene, retention: Retention = OLD, *, after: int = 0, limit: int = 9) -> list[object]:
    return [(o.id, o.dag_id) for o in await scene.database.read(KIND.find, retention, after, limit)]


async def test_what_a_newer_event_of_the_asset_replaces_is_old(scene: Scene) -> None:
    await deliver(scene, 1, "etl", "report")
    await deliver(scene, 2, "etl")
    await deliver(scene, 3, "etl", asset=2)
    assert await found(scene) == [(1, "etl")]
    assert await found(scene, Retention(before=NOW - timedelta(days=98))) == []


async def test_what_a_run_consumed_or_nobody_has_looked_at_stays(scene: Scene) -> None:
    await deliver(scene, 1, "etl", run=7)
    await deliver(scene, 2, "etl", state="new")
    await deliver(scene, 3, "etl", run=8)
    assert await found(scene) == []


async def test_only_what_is_old_of_the_wanted_dags_is_deleted(scene: Scene) -> None:
    for number in (1, 2, 3):
        await deliver(scene, number, "etl", "report")
    retention = Retention(before=NOW, spared_dag_ids=frozenset({"report"}))
    old = await scene.database.read(KIND.find, retention, 0, 9)
    assert await scene.database.read(KIND.count, old) == {"asset_delivery": 2}
    assert await scene.database.run(KIND.delete, old) == (old, {"asset_delivery": 2})
    assert await found(scene) == [(1, "report"), (2, "report")]
    assert await scene.database.run(KIND.delete, old) == ([], {"asset_delivery": 0})


async def test_a_batch_has_all_dags_of_an_event(scene: Scene) -> None:
    for number in (1, 2, 3):
        await deliver(scene, number, "etl", "report")
    assert await found(scene, limit=3) == [(1, "etl"), (1, "report")]
    assert await found(scene, after=1, limit=3) == [(2, "etl"), (2, "report")]
