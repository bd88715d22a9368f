"""What scheduling costs, in statements: counted, so that no busy machine blurs it."""

from __future__ import annotations

from flowcore.database.tables import pool
from tests.support.scheduling import Scene, chain, loose, make_dag


def statements(scene: Scene, before: int = 0) -> int:
    return scene.database.statistics().statements - before


async def test_a_hop_in_a_chain_costs_at_most_twelve_statements(scene: Scene) -> None:
    await scene.begin(chain(6))
    await scene.hop()  # the first hop reads what later ones remember
    before = statements(scene)
    for _ in range(4):
        workloads = await scene.enqueue()
        await scene.begin_tries(workloads)
        await scene.end(workloads)
        await scene.schedule()
    assert statements(scene, before) / 4 <= 12


async def test_500_tasks_that_become_ready_at_once_cost_a_fifth_of_a_statement_each(scene: Scene) -> None:
    await scene.execute(pool.update().values(slots=-1))
    fan_out = make_dag(
        {"root": [], **{f"t{n}": ["root"] for n in range(500)}}, max_active_tasks=0, dag_id="wide"
    )
    await scene.begin(fan_out)
    await scene.end(await scene.enqueue())
    before = statements(scene)
    await scene.schedule()
    workloads = await scene.enqueue()
    await scene.begin_tries(workloads)
    await scene.end(workloads)
    await scene.schedule()
    assert len(workloads) == 500
    assert statements(scene, before) / 500 <= 0.2


async def test_a_run_costs_as_much_to_start_whatever_its_size(scene: Scene) -> None:
    costs = []
    for size in (1, 300):
        await scene.register(loose(size, dag_id=f"size{size}"))
        await scene.trigger(f"size{size}")
        before = statements(scene)
        await scene.start()
        costs.append(statements(scene, before))
    assert costs[0] == costs[1]


async def test_many_runs_cost_as_much_to_start_as_one(scene: Scene) -> None:
    costs = []
    for count in (1, 20):
        dag = loose(2, dag_id=f"count{count}", max_active_runs=0)
        await scene.register(dag)
        for _ in range(count):
            await scene.trigger(dag.dag_id)
        before = statements(scene)
        await scene.start()
        costs.append(statements(scene, before))
    assert costs[0] == costs[1]


async def test_a_step_that_finds_nothing_costs_at_most_three_statements(scene: Scene) -> None:
    await scene.register(chain(2))
    for step in (scene.create, scene.start, scene.schedule, scene.recover, scene.expire):
        before = statements(scene)
        await step()
        assert statements(scene, before) <= 3
