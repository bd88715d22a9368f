from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database.store import SqlStore
from flowcore.database.tables import lease
from flowcore.errors import DatabaseInUse, InvariantBroken
from tests.support.scheduling import Scene, chain, open_scene


async def test_a_store_without_lease_claims_nothing(scene: Scene) -> None:
    with pytest.raises(InvariantBroken, match="acquire_lease"):
        await SqlStore(scene.database).renew_lease(60)


async def test_a_lease_is_released_once(scene: Scene) -> None:
    assert await scene.store.release_lease()
    assert await scene.rows(sa.select(lease)) == []
    with pytest.raises(InvariantBroken):
        await scene.store.release_lease()


async def test_a_second_scheduler_on_sqlite_is_refused(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'flow.db'}"
    async with open_scene(url):
        with pytest.raises(DatabaseInUse):
            async with open_scene(url):
                pytest.fail("it was let in")


async def test_a_run_is_not_read_again_while_it_goes_on(scene: Scene) -> None:
    await scene.begin(chain(4))
    await scene.hop()
    costs = []
    for _ in range(2):
        await scene.end(await scene.enqueue())
        before = scene.database.statistics().statements
        await scene.schedule()
        costs.append(scene.database.statistics().statements - before)
    assert costs == [4, 4]  # runs, marks, states, runs: the states of the task instances are not asked for


async def test_what_is_remembered_of_a_run_is_not_the_truth(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.end(await scene.enqueue())
    await scene.execute(sa.text("UPDATE dag_run SET revision = revision + 1"))
    await scene.execute(sa.text("UPDATE task_instance SET state = 'skipped' WHERE task_id = 't1'"))
    await scene.schedule()
    assert await scene.states(run) == {"t0": "success", "t1": "skipped", "t2": "skipped"}
