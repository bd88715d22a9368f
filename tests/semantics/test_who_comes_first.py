"""Airflow's tables of priorities, pools and limits, on a real database: who is queued in one pass."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
import sqlalchemy as sa

from flowcore.database.queries.pools import list_pools, put_pools
from flowcore.database.tables import dag_run
from flowcore.domain.pools import Pool
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import NOW, Scene, loose, make_dag, single


async def queued(scene: Scene, **fields: object) -> list[str]:
    """Who is queued in one pass, as Dag and task."""
    return [f"{work.run.dag_id}.{work.task_id}" for work in await scene.enqueue(**fields)]


async def test_weight_comes_before_the_logical_date(scene: Scene) -> None:
    for dag_id, weight, day in (("first", 10, 2), ("second", 5, 1), ("third", 10, 1)):
        await scene.register(single(dag_id, every={"priority_weight": weight}))
        await scene.trigger(dag_id, logical_date=NOW - timedelta(days=9 - day))
    await scene.start()
    await scene.schedule()
    assert await queued(scene) == ["third.a", "first.a", "second.a"]


@pytest.mark.parametrize(
    ("slots", "wanted", "expected"),
    [
        pytest.param(2, (1, 2, 1), ["etl.t0", "etl.t2"], id="the wide one waits"),
        pytest.param(-1, (1, 2, 1), ["etl.t0", "etl.t1", "etl.t2"], id="no limit"),
        pytest.param(2, (3,), [], id="wider than the pool"),
    ],
)
async def test_slots_of_a_pool(
    scene: Scene, slots: int, wanted: tuple[int, ...], expected: list[str]
) -> None:
    await scene.database.run(put_pools, [Pool("p", slots)])
    tasks = {f"t{n}": {"pool": "p", "pool_slots": width} for n, width in enumerate(wanted)}
    await scene.begin(make_dag({name: [] for name in tasks}, tasks=tasks))
    assert await queued(scene) == expected


async def test_what_runs_or_is_queued_holds_slots_and_what_was_put_off_does_not(scene: Scene) -> None:
    await scene.database.run(put_pools, [Pool("p", 5)])
    await scene.begin(loose(4, every={"pool": "p"}))
    put_off, *others = await scene.enqueue()
    await scene.begin_tries(others[:2])
    await scene.end([put_off], TryOutcome.RESCHEDULED, reschedule_at=NOW + timedelta(hours=1))
    [_, pool] = await scene.database.read(list_pools)
    assert (pool.used, pool.pool.slots - pool.used) == (3, 2)


@pytest.mark.parametrize(
    ("limit", "runs", "expected"),
    [
        pytest.param({"max_active_tasks": 2}, 1, 2, id="max_active_tasks"),
        pytest.param({"max_active_tis_per_dag": 1}, 2, 1, id="max_active_tis_per_dag"),
        pytest.param({"max_active_tis_per_dagrun": 1}, 2, 2, id="max_active_tis_per_dagrun"),
    ],
)
async def test_limits_of_tasks(scene: Scene, limit: dict[str, int], runs: int, expected: int) -> None:
    dag = loose(5, **limit) if "max_active_tasks" in limit else single(every=limit)
    await scene.register(dag)
    for day in range(runs):
        await scene.trigger(logical_date=NOW - timedelta(days=day))
    await scene.start()
    await scene.schedule()
    assert len(await queued(scene)) == expected
    # Those who wait for a limit are no deadlock: the runs go on.
    states = await scene.rows(sa.select(dag_run.c.state))
    assert {row.state for row in states} == {"running"}


async def test_a_run_by_hand_waits_for_max_active_runs_and_begins_in_its_order(scene: Scene) -> None:
    await scene.register(attrs.evolve(single(), max_active_runs=1))
    later, sooner = [await scene.trigger(run_after=NOW - timedelta(hours=hours)) for hours in (1, 2)]
    await scene.start()
    assert ((await scene.run_row(sooner)).state, (await scene.run_row(later)).state) == ("running", "queued")
