from __future__ import annotations

import anyio
import sqlalchemy as sa

from flowcore.database.queries.pausing import set_paused
from flowcore.database.tables import dag, dag_run
from flowcore.domain.dags import Dag
from tests.support.scheduling import NOW, Scene, chain, single


async def running(scene: Scene, dag_id: str = "etl") -> int:
    query = sa.select(dag_run.c.id).where(dag_run.c.dag_id == dag_id, dag_run.c.state == "running")
    return len(await scene.rows(query))


async def test_a_run_starts_with_its_roots_scheduled(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    assert await scene.states(run) == {"t0": "scheduled", "t1": None, "t2": None}
    row = await scene.run_row(run)
    assert (row.state, row.start_date) == ("running", NOW)


async def test_max_active_runs_bounds_what_runs(scene: Scene) -> None:
    await scene.register(single(max_active_runs=2))
    for _ in range(3):
        await scene.trigger()
    await scene.start()
    assert await running(scene) == 2
    await scene.execute(dag_run.update().where(dag_run.c.state == "running").values(state="success"))
    await scene.start()
    assert await running(scene) == 1


async def test_a_full_dag_with_a_long_queue_does_not_hold_up_another_one(scene: Scene) -> None:
    await scene.register(single("busy", max_active_runs=1), single("idle"))
    for _ in range(5):
        await scene.trigger("busy")
    scene.later(1)
    await scene.trigger("idle")
    while (await scene.start(batch_size=2)).more:
        pass
    assert (await running(scene, "busy"), await running(scene, "idle")) == (1, 1)


async def test_runs_of_a_dag_whose_file_is_gone_wait_until_it_is_back(scene: Scene) -> None:
    await scene.register(single())
    await scene.trigger()
    await scene.execute(dag.update().values(is_active=False))
    await scene.start()
    assert await running(scene) == 0
    await scene.register(single())
    await scene.start()
    assert await running(scene) == 1


async def test_runs_of_paused_dags_wait(scene: Scene) -> None:
    await scene.register(single())
    await scene.database.run(set_paused, "etl", True)
    run = await scene.trigger()
    await scene.start()
    assert (await scene.run_row(run)).state == "queued"
    await scene.database.run(set_paused, "etl", False)
    await scene.start()
    assert (await scene.run_row(run)).state == "running"


async def test_an_empty_dag_ends_as_it_starts(scene: Scene) -> None:
    row = await scene.run_row(await scene.begin(Dag(dag_id="empty")))
    assert (row.state, row.end_date) == ("success", NOW)


async def test_a_run_keeps_the_version_it_was_queued_with(scene: Scene) -> None:
    await scene.register(single())
    run = await scene.trigger()
    await scene.register(chain(2))
    await scene.start()
    assert await scene.states(run) == {"a": "scheduled"}


async def test_two_schedulers_keep_max_active_runs(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.register(single(max_active_runs=3))
    for _ in range(12):
        await first.trigger()
    async with anyio.create_task_group() as nursery:
        for scene in (first, second) * 4:
            nursery.start_soon(scene.start)
    assert await running(first) == 3
