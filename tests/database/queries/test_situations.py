from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.database.queries.pausing import set_paused
from flowcore.database.queries.situations import read_situation
from flowcore.domain.reasons import Phase, ReasonCode
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DagNotFound, DagRunNotFound, TaskNotFound
from flowcore.scheduler.decisions.explain import explain
from flowcore.scheduler.decisions.time_spent import time_spent
from tests.support.scheduling import Scene, loose, make_dag, single


async def reasons(scene: Scene, run: int, task_id: str) -> list[str]:
    """The codes, after the sentences were made, too."""
    row = await scene.run_row(run)
    situation = await scene.database.read(read_situation, row.dag_id, row.run_id, task_id, -1, now=scene.now)
    assert time_spent(situation)
    return [reason.code for reason in explain(situation)]


async def test_a_task_waits_for_its_upstream_then_for_its_run_then_for_its_executor(scene: Scene) -> None:
    run = await scene.begin(make_dag({"a": [], "b": [], "c": ["a"]}, max_active_tasks=1))
    assert await reasons(scene, run, "c") == ["upstream"]
    assert await reasons(scene, run, "a") == ["executor_full"]
    [first] = await scene.enqueue()
    assert await reasons(scene, run, "a") == ["with_executor"]
    assert await reasons(scene, run, "b") == ["max_active_tasks"]
    await scene.begin_tries([first])
    assert await reasons(scene, run, "a") == ["running"]
    await scene.end([first])
    assert await reasons(scene, run, "c") == ["about_to_be_decided"]


async def test_a_task_waits_for_slots_of_its_pool(scene: Scene) -> None:
    await scene.add_pool("small", 1)
    run = await scene.begin(loose(2, every={"pool": "small"}))
    await scene.enqueue()
    assert await reasons(scene, run, "t1") == ["pool_full"]


async def test_slots_are_kept_for_one_that_wants_several(scene: Scene) -> None:
    await scene.add_pool("small", 3)
    run = await scene.begin(loose(2, every={"pool": "small"}))
    scene.executor.places = 1
    await scene.enqueue()
    await scene.begin(single("wide", every={"pool": "small", "pool_slots": 3}))
    scene.later(60)
    assert await reasons(scene, run, "t1") == ["pool_kept"]


async def test_limits_of_a_task_and_a_pause_are_told_together(scene: Scene) -> None:
    limits = {"max_active_tis_per_dag": 1}
    first = await scene.begin(single(every=limits))
    await scene.enqueue()
    second = await scene.trigger()
    await scene.start()
    await scene.database.run(set_paused, "etl", True)
    assert await reasons(scene, first, "a") == ["with_executor"]
    assert await reasons(scene, second, "a") == ["dag_paused", "max_active_tis_per_dag"]


async def test_a_run_that_waits_is_the_reason_of_tasks_that_are_not_there_yet(scene: Scene) -> None:
    await scene.begin(single(max_active_runs=1))
    waiting = await scene.trigger()
    assert await reasons(scene, waiting, "a") == ["max_active_runs"]


async def test_a_task_that_failed_waits_for_its_retry(scene: Scene) -> None:
    run = await scene.begin(single(every={"retries": 1}))
    await scene.end(await scene.enqueue(), TryOutcome.FAILED)
    assert await reasons(scene, run, "a") == ["retry_delay"]


async def test_a_task_that_depends_on_the_past_waits_for_the_run_before(scene: Scene) -> None:
    await scene.register(single(every={"depends_on_past": True}))
    for day in range(2):
        run = await scene.trigger(logical_date=scene.now + timedelta(days=day))
        await scene.start()
        await scene.hop(TryOutcome.FAILED)
    assert await reasons(scene, run, "a") == ["run_before"]


async def test_time_is_told_by_limit_after_those_before_it_have_ended(scene: Scene) -> None:
    run = await scene.begin(loose(2, max_active_tasks=1))
    first = await scene.enqueue()
    scene.later(5)
    await scene.end(first)
    scene.later(2)
    row = await scene.run_row(run)
    of = await scene.database.read(read_situation, row.dag_id, row.run_id, "t1", -1, now=scene.now)
    [limits] = [one for one in time_spent(of) if one.phase is Phase.LIMITS]
    assert (limits.seconds, limits.by_reason) == (7, {ReasonCode.MAX_ACTIVE_TASKS: 5})


async def test_a_task_whose_process_is_late_is_told_so(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.enqueue()
    await scene.lose_lease()
    assert await reasons(scene, run, "a") == ["lease_lapsed"]


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (("absent", "r", "a"), DagNotFound),
        (("etl", "absent", "a"), DagRunNotFound),
        (("etl", "mine", "absent"), TaskNotFound),
    ],
)
async def test_what_is_not_there_is_named(
    scene: Scene, names: tuple[str, str, str], error: type[Exception]
) -> None:
    await scene.register(single())
    await scene.trigger(run_id="mine")
    with pytest.raises(error):
        await scene.database.read(read_situation, *names, -1, now=scene.now)
