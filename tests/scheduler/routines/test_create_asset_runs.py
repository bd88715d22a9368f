from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from flowcore.database.queries.asset_events import NewAssetEvent, record_asset_events
from flowcore.database.queries.pausing import set_paused
from flowcore.database.tables import asset_delivery, asset_event, dag_run
from flowcore.domain.asset_documents import dump_asset
from flowcore.domain.assets import Asset, AssetAlias, AssetExpression, AssetUpdate
from flowcore.domain.dags import Dag
from flowcore.domain.timetables.assets import AssetTriggeredTimetable
from flowcore.domain.workloads import TryOutcome
from flowcore.scheduler.routines.create_asset_runs import CreateAssetRuns
from tests.support.scheduling import Scene, single

A, B, C = Asset("a"), Asset("b"), Asset("c")


def waiting(schedule: AssetExpression, dag_id: str = "reader", **fields: Any) -> Dag:
    return single(dag_id, timetable=AssetTriggeredTimetable(schedule).serialize(), **fields)


def updates(*assets: Asset, **fields: Any) -> dict[str, Any]:
    return {"asset_updates": tuple(AssetUpdate(name=a.name, uri=a.uri, **fields) for a in assets)}


async def write(scene: Scene, *assets: Asset, **fields: Any) -> None:
    """Somebody updates assets."""
    events = [
        NewAssetEvent(update=update, created_at=scene.now)
        for update in updates(*assets, **fields)["asset_updates"]
    ]
    await scene.database.run(record_asset_events, events)
    scene.later(1)


async def create(scene: Scene) -> int:
    return (await CreateAssetRuns(scene.store).step(scene.now)).moved


async def consumed(scene: Scene) -> Mapping[int | None, list[int]]:
    """Events by the run that has consumed them."""
    query = sa.select(asset_delivery.c.dag_run_id, asset_delivery.c.event_id)
    events: dict[int | None, list[int]] = {}
    for run, event in await scene.rows(query.order_by(asset_delivery.c.event_id)):
        events.setdefault(run, []).append(event)
    return events


async def test_an_update_starts_the_dag_that_waits_for_it(scene: Scene) -> None:
    await scene.register(waiting(A))
    await scene.begin(single("writer"))
    [workload] = await scene.enqueue()
    await scene.end([workload], **updates(A, B))
    assert await create(scene) == 1
    [run] = await scene.rows(sa.select(dag_run).where(dag_run.c.dag_id == "reader"))
    assert (run.run_type, run.state, run.logical_date) == ("asset_triggered", "queued", None)
    assert list(await consumed(scene)) == [run.id]
    await scene.start()
    assert await scene.states(run.id) == {"a": "scheduled"}


async def test_all_assets_are_waited_for_and_all_events_consumed(scene: Scene) -> None:
    await scene.register(waiting(A & B))
    await write(scene, A)
    await write(scene, A)
    assert await create(scene) == 0
    assert list(await consumed(scene)) == [None]
    await write(scene, B)
    assert await create(scene) == 1
    [(run, events)] = (await consumed(scene)).items()
    assert run is not None
    assert len(events) == 3
    assert await create(scene) == 0


async def test_each_dag_consumes_each_event_for_itself(scene: Scene) -> None:
    await scene.register(waiting(A, "first"), waiting(A | B, "second"))
    await write(scene, A)
    assert await create(scene) == 2
    assert sorted(map(len, (await consumed(scene)).values())) == [1, 1]


async def test_a_try_that_was_lost_or_failed_updates_nothing(scene: Scene) -> None:
    await scene.register(waiting(A))
    await scene.begin(single("writer"))
    [workload] = await scene.enqueue()
    await scene.begin_tries([workload])
    await scene.lose_lease()
    await scene.recover()
    applied = await scene.end([workload], **updates(A))
    assert len(applied.refused) == 1
    [again] = await scene.enqueue()
    await scene.end([again], TryOutcome.FAILED_FOR_GOOD, **updates(A))
    assert await scene.rows(sa.select(asset_event)) == []


async def test_a_paused_dag_is_told_nothing(scene: Scene) -> None:
    await scene.register(waiting(A))
    await scene.database.run(set_paused, "reader", True)
    await write(scene, A)
    await scene.database.run(set_paused, "reader", False)
    assert await create(scene) == 0
    await write(scene, A)
    assert await create(scene) == 1
    assert [len(events) for events in (await consumed(scene)).values()] == [1]


async def test_events_pile_up_while_as_many_runs_as_may_run_are_there(scene: Scene) -> None:
    await scene.register(waiting(A, max_active_runs=1))
    await write(scene, A)
    await create(scene)
    await write(scene, A)
    await write(scene, A)
    assert await create(scene) == 0
    await scene.execute(dag_run.update().values(state="success"))
    assert await create(scene) == 1
    assert [len(events) for events in (await consumed(scene)).values()] == [1, 2]


async def test_a_changed_schedule_takes_what_it_waits_for_and_drops_the_rest(scene: Scene) -> None:
    await scene.register(waiting(A & B & C))
    await write(scene, A, B)
    assert await create(scene) == 0
    await scene.register(waiting(A))
    assert await create(scene) == 1
    assert [len(events) for events in (await consumed(scene)).values()] == [1]


async def test_an_alias_stands_for_what_was_updated_through_it(scene: Scene) -> None:
    await scene.register(waiting(AssetAlias("daily")))
    await write(scene, C)
    assert await create(scene) == 0
    await write(scene, C, alias="daily")
    assert await create(scene) == 1
    # From then on the alias means the asset, whoever updates it.
    await write(scene, C)
    assert await create(scene) == 1


async def test_references_by_name_or_uri_find_their_asset(scene: Scene) -> None:
    named = waiting(Asset.ref(name="orders"), "named")
    located = waiting(Asset.ref(uri="s3://orders"), "located")
    await scene.register(named, located)
    await write(scene, Asset("orders", "s3://orders"))
    assert await create(scene) == 2


async def test_an_outlet_that_is_a_reference_updates_what_it_refers_to(scene: Scene) -> None:
    await scene.register(waiting(Asset("orders", "s3://orders")))
    await scene.begin(single("writer"))
    workloads = await scene.enqueue()
    await scene.end(workloads, asset_updates=(AssetUpdate(name="orders", uri=""),))
    assert await create(scene) == 1


async def test_a_dag_that_allows_no_such_runs_has_none(scene: Scene) -> None:
    await scene.register(waiting(A, allowed_run_types=("manual",)))
    await write(scene, A)
    assert await create(scene) == 0
    assert await consumed(scene) == {}


async def test_outlets_make_assets_known(scene: Scene) -> None:
    outlets = (dump_asset(Asset("orders", extra={"owner": "me"})),)
    await scene.register(single("writer", every={"outlets": outlets}))
    await scene.register(single("writer", every={"outlets": outlets, "queue": "other"}))
    [row] = await scene.rows(sa.text("SELECT name, extra FROM asset"))  # type: ignore[arg-type]
    assert row.name == "orders"
