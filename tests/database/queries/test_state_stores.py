from __future__ import annotations

from functools import partial

import pytest

from flowcore.database.queries.old_states import OLD_STATES
from flowcore.database.queries.state_stores import delete_state, get_state, set_state
from flowcore.database.tables import asset
from flowcore.domain.retention import Retention
from flowcore.domain.state_owners import OWN, StateOwner
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import UsageError
from tests.support.scheduling import NOW, Scene, single

ORDERS = StateOwner(asset_name="orders")


@pytest.fixture
async def workload(scene: Scene):
    await scene.register(single(every={"retries": 1}))
    await scene.trigger(run_id="r")
    await scene.start()
    [workload] = await scene.enqueue()
    return workload


async def put(scene: Scene, asker, key, text, owner=OWN, kept_s=None) -> None:
    unit = partial(set_state, asker=asker, key=key, text=text, owner=owner, kept_s=kept_s)
    await scene.database.run(unit)


async def read(scene: Scene, asker, key, owner=OWN):
    return await scene.database.read(get_state, asker, key, owner)


async def test_a_later_try_finds_what_an_earlier_one_wrote(scene: Scene, workload) -> None:
    await put(scene, workload, "job", "1")
    await put(scene, workload, "job", "2")
    await scene.end([workload], TryOutcome.GIVEN_BACK)
    [again] = await scene.enqueue()
    assert await read(scene, again, "job") == "2"
    assert await read(scene, again, "other") is None


async def test_a_lost_try_changes_nothing(scene: Scene, workload) -> None:
    await put(scene, workload, "job", "1")
    await scene.end([workload], TryOutcome.GIVEN_BACK)
    [again] = await scene.enqueue()
    with pytest.raises(UsageError, match="not the current try any more"):
        await put(scene, workload, "job", "2")
    with pytest.raises(UsageError, match="not the current try any more"):
        await scene.database.run(partial(delete_state, asker=workload, key=None, owner=OWN))
    assert await read(scene, again, "job") == "1"


async def test_keys_are_deleted_one_by_one_or_together(scene: Scene, workload) -> None:
    for key in ("a", "b", "c"):
        await put(scene, workload, key, "1")
    await scene.database.run(partial(delete_state, asker=workload, key="a", owner=OWN))
    assert [await read(scene, workload, key) for key in "abc"] == [None, "1", "1"]
    await scene.database.run(partial(delete_state, asker=workload, key=None, owner=OWN))
    assert [await read(scene, workload, key) for key in "abc"] == [None, None, None]


async def test_state_of_an_asset_is_shared_and_found_by_its_name_or_uri(scene: Scene, workload) -> None:
    row = {"name": "orders", "uri": "s3://orders", "group": "asset", "extra": {}}
    await scene.execute(asset.insert().values(**row))
    await put(scene, workload, "watermark", "7", ORDERS)
    assert await read(scene, workload, "watermark", StateOwner(asset_uri="s3://orders")) == "7"
    assert await read(scene, workload, "watermark") is None
    await scene.database.run(partial(delete_state, asker=workload, key="watermark", owner=ORDERS))
    assert await read(scene, workload, "watermark", ORDERS) is None


async def test_an_unknown_asset_is_named(scene: Scene, workload) -> None:
    with pytest.raises(UsageError, match="no Dag has an asset 'orders'"):
        await put(scene, workload, "watermark", "7", ORDERS)


async def test_what_has_expired_is_not_seen_and_deleted_some_time(scene: Scene, workload) -> None:
    await put(scene, workload, "brief", "1", kept_s=-1.0)
    await put(scene, workload, "long", "2", kept_s=3600.0)
    await put(scene, workload, "forever", "3")
    assert [await read(scene, workload, key) for key in ("brief", "long", "forever")] == [None, "2", "3"]
    found = await scene.database.read(OLD_STATES.find, Retention(before=NOW), 0, 100)
    assert [old.id for old in found] == [workload.task_instance_id]
    deleted = await scene.database.run(OLD_STATES.delete, found)
    assert deleted == (found, {"task_state_store": 1})
    assert await read(scene, workload, "forever") == "3"


async def test_expired_state_of_other_dags_is_left_alone(scene: Scene, workload) -> None:
    await put(scene, workload, "brief", "1", kept_s=-1.0)
    others = Retention(before=NOW, dag_ids=frozenset({"other"}))
    assert await scene.database.read(OLD_STATES.find, others, 0, 100) == []
