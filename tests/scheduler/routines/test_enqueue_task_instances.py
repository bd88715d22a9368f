from __future__ import annotations

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.queries.pausing import set_paused
from flowcore.database.tables import task_instance
from flowcore.domain.dags import Dag
from flowcore.domain.workloads import RunsIn
from flowcore.scheduler.decisions.enqueue_task_instances import PATIENCE
from tests.support.scheduling import NOW, Scene, loose, make_dag, single


async def test_a_claimed_task_instance_is_queued_under_a_lease_and_a_token(scene: Scene) -> None:
    run = await scene.begin(single())
    [workload] = await scene.enqueue()
    [row] = await scene.task_instances(run)
    assert (row.state, row.queued_at, row.token) == ("queued", NOW, workload.token)
    assert row.lease_id is not None
    assert (workload.task_id, workload.try_number, workload.run.dag_run_id) == ("a", 1, run)


async def test_what_is_queued_is_not_queued_again(scene: Scene) -> None:
    await scene.begin(single())
    assert len(await scene.enqueue()) == 1
    assert await scene.enqueue() == []


async def test_a_scheduler_stays_away_for_a_moment_when_another_one_asks(scene: Scene) -> None:
    await scene.begin(single())
    scene.database.wakeups.set("turn_wanted")
    assert await scene.enqueue() == []
    scene.later(0.1)
    assert len(await scene.enqueue()) == 1


async def test_heavier_tasks_come_first_then_earlier_runs_then_dag_order(scene: Scene) -> None:
    weights = {"heavy": {"priority_weight": 10}}
    dag = make_dag({"light": [], "heavy": [], "last": []}, tasks=weights)
    first = await scene.begin(dag)
    scene.later(1)
    await scene.trigger()
    await scene.start()
    workloads = await scene.enqueue()
    order = [(workload.task_id, workload.run.dag_run_id - first) for workload in workloads]
    assert order == [("heavy", 0), ("heavy", 1), ("light", 0), ("last", 0), ("light", 1), ("last", 1)]


async def test_no_more_is_queued_than_the_executor_has_places(scene: Scene) -> None:
    scene.executor.places = 2
    await scene.begin(loose(5))
    assert len(await scene.enqueue()) == 2
    scene.executor.places = 0
    assert await scene.enqueue() == []


@pytest.mark.parametrize(
    ("dag", "expected"),
    [
        pytest.param(loose(5, max_active_tasks=2), 4, id="max_active_tasks bounds each run"),
        pytest.param(single(every={"max_active_tis_per_dag": 1}), 1, id="max_active_tis_per_dag"),
        pytest.param(
            loose(2, every={"max_active_tis_per_dagrun": 1}), 4, id="max_active_tis_per_dagrun of each task"
        ),
        pytest.param(loose(3, every={"pool": "small"}), 3, id="slots of a pool"),
        pytest.param(loose(3, every={"pool": "endless", "pool_slots": 9}), 6, id="pool without limit"),
    ],
)
async def test_a_limit_counts_what_two_runs_hold_together(scene: Scene, dag: Dag, expected: int) -> None:
    await scene.add_pool("small", 3)
    await scene.add_pool("endless", -1)
    await scene.begin(dag)
    await scene.trigger()
    await scene.start()
    assert len(await scene.enqueue()) == expected
    assert await scene.enqueue() == []


async def test_freed_slots_are_given_again(scene: Scene) -> None:
    await scene.add_pool("small", 1)
    await scene.begin(loose(2, every={"pool": "small"}))
    [first] = await scene.enqueue()
    await scene.end([first])
    [second] = await scene.enqueue()
    assert (first.task_id, second.task_id) == ("t0", "t1")


@pytest.mark.parametrize(
    "blocked",
    [
        pytest.param({"max_active_tasks": 1}, id="by its run"),
        pytest.param({"every": {"pool": "full", "priority_weight": 9}}, id="by its pool"),
    ],
)
async def test_a_long_blocked_head_of_the_line_starves_nobody(
    scene: Scene, blocked: dict[str, object]
) -> None:
    await scene.add_pool("full", 1)
    await scene.begin(loose(600, dag_id="blocked", **{"max_active_tasks": 1_000, **blocked}))
    await scene.enqueue()
    await scene.begin(single("behind"))
    assert [workload.run.dag_id for workload in await scene.enqueue(batch_size=100)] == ["behind"]


async def test_many_runs_of_a_task_with_a_limit_of_its_own_starve_nobody(scene: Scene) -> None:
    limits = {"max_active_tis_per_dag": 1, "priority_weight": 9}
    await scene.register(single("blocked", every=limits, max_active_runs=0), single("behind"))
    for _ in range(20):
        await scene.trigger("blocked")
    await scene.start()
    await scene.enqueue()
    await scene.trigger("behind")
    await scene.start()
    assert [workload.run.dag_id for workload in await scene.enqueue(batch_size=5)] == ["behind"]


async def test_functions_that_wait_for_a_process_do_not_hold_coroutines_up(scene: Scene) -> None:
    scene.executor.kinds = {RunsIn.PROCESS: 0, RunsIn.WORKER: 5}
    await scene.begin(loose(200, dag_id="functions", max_active_tasks=0))
    await scene.begin(single("coroutine", every={"runs_in": RunsIn.WORKER}))
    assert [workload.run.dag_id for workload in await scene.enqueue(batch_size=10)] == ["coroutine"]


async def test_a_dag_with_a_backlog_shares_its_pool_with_others(scene: Scene) -> None:
    await scene.add_pool("small", 4)
    await scene.begin(loose(20, dag_id="backlog", every={"pool": "small"}))
    backlog = await scene.enqueue()
    scene.later(60)
    await scene.begin(loose(20, dag_id="newcomer", every={"pool": "small"}))
    await scene.end(backlog[:2])
    fair = await scene.enqueue()
    assert [workload.run.dag_id for workload in fair] == ["newcomer", "newcomer"]
    await scene.end(fair)
    assert [workload.run.dag_id for workload in await scene.enqueue()] == ["newcomer", "newcomer"]


async def test_a_wide_one_that_has_waited_gets_the_slots_of_its_pool_as_they_come(scene: Scene) -> None:
    await scene.add_pool("small", 2)
    await scene.begin(loose(5, dag_id="narrow", max_active_tasks=1, every={"pool": "small"}))
    narrow = await scene.enqueue()
    await scene.begin(single("wide", every={"pool": "small", "pool_slots": 2}))
    await scene.trigger("narrow")
    await scene.start()
    scene.later(PATIENCE.total_seconds() + 1)
    assert await scene.enqueue() == []
    await scene.end(narrow)
    assert [workload.run.dag_id for workload in await scene.enqueue()] == ["wide"]


async def test_what_waits_at_the_limit_of_its_task_is_not_read_in_every_pass(scene: Scene) -> None:
    limits = {"max_active_tis_per_dag": 1}
    await scene.register(single("blocked", every=limits, max_active_runs=0))
    for _ in range(20):
        await scene.trigger("blocked")
    await scene.start()
    await scene.enqueue(batch_size=5)
    passes = []
    for _ in range(2):
        before = scene.database.statistics().statements
        assert await scene.enqueue(batch_size=5) == []
        passes.append(scene.database.statistics().statements - before)
    assert passes == [4, 4]  # pools, their usage, the task's, and one page, which is empty


async def test_a_task_that_can_never_run_fails_with_the_reason(scene: Scene) -> None:
    run = await scene.begin(make_dag({"a": [], "b": ["a"]}, tasks={"a": {"pool": "absent"}}))
    assert await scene.enqueue() == []
    [row, _] = await scene.task_instances(run)
    assert row.state == "failed"
    assert "pool 'absent' does not exist; create it" in row.error
    await scene.schedule()
    assert (await scene.run_row(run)).state == "failed"


async def test_task_instances_of_paused_dags_wait(scene: Scene) -> None:
    await scene.begin(single())
    await scene.database.run(set_paused, "etl", True)
    assert await scene.enqueue() == []
    await scene.database.run(set_paused, "etl", False)
    assert len(await scene.enqueue()) == 1


async def test_a_scheduler_whose_lease_was_taken_over_claims_nothing(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.execute(sa.text("DELETE FROM lease"))
    assert await scene.enqueue() == []
    assert await scene.states(run) == {"a": "scheduled"}


LIMITED = {
    "a": {"pool": "small"},
    "b": {"max_active_tis_per_dag": 2},
    "c": {"max_active_tis_per_dagrun": 1},
    "d": {},
    "e": {},
}


async def test_two_schedulers_never_exceed_a_limit(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.add_pool("small", 3)
    await first.register(make_dag({name: [] for name in LIMITED}, tasks=LIMITED, max_active_tasks=3))
    for _ in range(8):
        await first.trigger()
    await first.start()

    async def work(scene: Scene) -> None:
        for _ in range(12):
            workloads = await scene.enqueue(batch_size=7)
            await check_limits(scene)
            await scene.end(workloads[::2])

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(work, first)
        nursery.start_soon(work, second)
    ended = await first.rows(sa.select(task_instance.c.id).where(task_instance.c.state == "success"))
    assert len(ended) > 10


async def active(scene: Scene) -> list[tuple[str, int]]:
    """Task and run of each task instance that holds slots."""
    columns = (task_instance.c.task_id, task_instance.c.dag_run_id)
    is_active = task_instance.c.state.in_(["queued", "running"])
    return [(task_id, run) for task_id, run in await scene.rows(sa.select(*columns).where(is_active))]


async def check_limits(scene: Scene) -> None:
    holding = await active(scene)
    tasks, runs = [task for task, _ in holding], [run for _, run in holding]
    assert tasks.count("a") <= 3
    assert tasks.count("b") <= 2
    assert max(map(runs.count, runs), default=0) <= 3


async def test_two_schedulers_with_dags_of_their_own_share_a_pool(rivals: tuple[Scene, Scene]) -> None:
    first, _ = rivals
    await first.add_pool("small", 3)
    for scene, dag_id in zip(rivals, ("a", "b"), strict=True):
        await scene.begin(loose(40, dag_id=dag_id, max_active_tasks=0, every={"pool": "small"}))
        scene.executor.dags = frozenset({dag_id})
    ended = 0

    async def work(scene: Scene) -> None:
        nonlocal ended
        workloads = await scene.enqueue()
        ended += len(workloads)
        assert len(await active(scene)) <= 3
        await scene.end(workloads)

    for _ in range(10):
        async with anyio.create_task_group() as nursery:
            for scene in rivals:
                nursery.start_soon(work, scene)
    assert ended > 10
