from __future__ import annotations

from datetime import timedelta

import anyio
import sqlalchemy as sa

from flowcore.database.queries.schedule_task_instances import HEAD_START
from flowcore.database.tables import unsettled
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryEffects, TryOutcome
from flowcore.scheduler.decisions.end_tries import end_try
from flowcore.scheduler.store import Batch
from tests.support.scheduling import NOW, Scene, chain, ended_now, loose, make_dag, single


async def test_a_finished_task_instance_schedules_what_comes_next(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.hop()
    [_, second, third] = await scene.task_instances(run)
    assert (second.state, second.try_number, second.scheduled_at) == ("scheduled", 1, NOW)
    assert (third.state, third.try_number) == (None, 0)


async def test_a_skip_cascades_and_ends_the_run(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.hop(TryOutcome.SKIPPED)
    assert await scene.states(run) == {"t0": "skipped", "t1": "skipped", "t2": "skipped"}
    row = await scene.run_row(run)
    assert (row.state, row.end_date) == ("success", NOW)


async def test_a_run_ends_failed_with_its_reason(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await scene.hop(TryOutcome.FAILED)
    assert await scene.states(run) == {"t0": "failed", "t1": "upstream_failed"}
    row = await scene.run_row(run)
    assert (row.state, row.reason) == ("failed", "task_failure")


async def test_a_run_in_which_nothing_can_run_any_more_is_a_deadlock(scene: Scene) -> None:
    never = {"b": {"trigger_rule": TriggerRule.ALL_SKIPPED}}
    run = await scene.begin(make_dag({"a": [], "b": ["a"]}, tasks=never))
    await scene.execute(sa.text("UPDATE task_instance SET state = 'removed' WHERE task_id = 'a'"))
    await scene.execute(unsettled.insert().values(dag_run_id=run, position=0, state="removed"))
    await scene.schedule()
    row = await scene.run_row(run)
    assert (row.state, row.reason) == ("failed", "all_tasks_deadlocked")


async def test_marks_are_gone_once_they_are_settled(scene: Scene) -> None:
    await scene.begin(single())
    await scene.end(await scene.enqueue())
    assert (await scene.schedule()).moved == 1
    assert (await scene.schedule()).moved == 0
    assert await scene.rows(sa.select(unsettled)) == []


async def test_marks_of_a_run_that_has_ended_are_dropped(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.hop()
    await scene.execute(unsettled.insert().values(dag_run_id=run, position=0, state="failed"))
    await scene.schedule()
    assert await scene.rows(sa.select(unsettled)) == []
    assert (await scene.run_row(run)).state == "success"


async def end_all(scene: Scene, *, long_ago: bool = False) -> None:
    """End what is scheduled, and perhaps let the marks of it grow old on the database's clock."""
    assert len(await scene.end_scheduled()) == 1
    if long_ago:
        await scene.execute(unsettled.update().values(created_at=NOW - timedelta(days=300)))


async def test_marks_are_left_to_the_scheduler_that_remembers_the_run(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.begin(chain(2))
    await end_all(second)
    assert await second.schedule() == Batch(next_at=NOW + HEAD_START)
    assert (await first.schedule()).moved == 1


async def test_marks_that_were_left_for_long_are_taken_by_anybody(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.begin(chain(3))
    await end_all(first, long_ago=True)
    assert (await second.schedule()).moved == 1
    await end_all(first)
    assert (await first.schedule()).moved == 0  # from now on the second one is asked first


async def test_a_scheduler_that_was_passed_over_looks_again(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    run = await first.begin(chain(4))
    for scene in (first, second, first, second):  # what first remembers is old after second's hop
        await end_all(scene, long_ago=True)
        assert (await scene.schedule()).moved == 1
    assert (await first.run_row(run)).state == "success"


async def test_two_schedulers_take_each_mark_once(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.register(chain(2))
    for _ in range(16):
        await first.trigger()
    await first.start()
    await first.end(await first.enqueue())
    await first.execute(unsettled.update().values(created_at=None))
    moved: list[int] = []

    async def schedule(scene: Scene) -> None:
        moved.append((await scene.schedule(batch_size=5)).moved)

    while sum(moved) < 16:
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(schedule, first)
            nursery.start_soon(schedule, second)
    assert sum(moved) == 16
    assert len(await first.enqueue()) == 16


async def test_a_transaction_that_failed_leaves_nothing_remembered(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await scene.end(await scene.enqueue())
    with anyio.CancelScope() as scope:
        scope.cancel()
        await scene.schedule()
    await scene.schedule()
    assert await scene.states(run) == {"t0": "success", "t1": "scheduled"}


FAIL_FAST = make_dag(
    {"s": [], "a": ["s"], "b": ["s"], "c": ["b"], "t": ["s", "a", "c"], "x": []},
    tasks={
        "s": {"is_setup": True},
        "t": {"is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE_SETUP_SUCCESS},
    },
    fail_fast=True,
)


async def test_the_first_failure_skips_all_that_has_not_ended_but_teardowns(scene: Scene) -> None:
    run = await scene.begin(FAIL_FAST)
    workloads = {one.task_id: one for one in await scene.enqueue()}
    await scene.end([workloads["s"]])
    await scene.schedule()
    workloads |= {one.task_id: one for one in await scene.enqueue()}
    await scene.end([workloads["a"]], TryOutcome.FAILED)
    await scene.schedule()
    skipped = dict.fromkeys(["b", "c", "x"], "skipped")
    assert await scene.states(run) == {"s": "success", "a": "failed", **skipped, "t": "scheduled"}
    await scene.revoke()
    assert {key for key, *_ in scene.executor.cancelled} == {
        workloads[name].task_instance_id for name in "bx"
    }
    await scene.hop()
    row = await scene.run_row(run)
    assert (row.state, row.reason) == ("failed", "task_failure")


async def test_a_failure_that_is_tried_again_stops_nothing(scene: Scene) -> None:
    run = await scene.begin(loose(2, every={"retries": 1}, fail_fast=True))
    first, _ = await scene.enqueue()
    await scene.end([first], TryOutcome.FAILED)
    await scene.schedule()
    assert await scene.states(run) == {"t0": "up_for_retry", "t1": "queued"}


async def test_what_had_ended_before_it_was_stopped_stays_as_it_is(scene: Scene) -> None:
    run = await scene.begin(loose(3, fail_fast=True))
    first, second, _ = await scene.enqueue()
    await scene.end([first], TryOutcome.FAILED)
    await scene.end([second])
    await scene.schedule()
    assert await scene.states(run) == {"t0": "failed", "t1": "success", "t2": "skipped"}
    assert (await scene.run_row(run)).state == "failed"


async def test_a_mapped_task_gets_rows_for_its_instances_when_its_source_has_ended(scene: Scene) -> None:
    tasks = {"m": {"mapping": 0, "priority_weight": 3, "retries": 2}}
    over_the_source = (Length(LengthKind.OUTPUT, source=0),)
    run = await scene.begin(make_dag({"s": [], "m": ["s"]}, tasks=tasks, mappings=over_the_source))
    [workload] = await scene.enqueue()
    ended = ended_now(workload, TryOutcome.SUCCESS, scene.now, effects=TryEffects(length=3))
    await scene.store.apply_reports(end_try, started=[], ended=[ended])
    [_, stands_for_all] = await scene.task_instances(run)
    assert stands_for_all.map_index == -1
    await scene.schedule()
    [_, *instances] = await scene.task_instances(run)
    assert [(one.map_index, one.state, one.try_number) for one in instances] == [
        (index, "scheduled", 1) for index in range(3)
    ]
    assert {(one.priority_weight, one.max_tries, one.scheduled_at) for one in instances} == {(3, 2, NOW)}
    assert instances[0].id == stands_for_all.id
    assert [workload.map_index for workload in await scene.enqueue()] == [0, 1, 2]


async def test_a_mapped_task_says_why_it_cannot_have_instances(scene: Scene) -> None:
    over_the_source = (Length(LengthKind.OUTPUT, source=0),)
    run = await scene.begin(
        make_dag({"s": [], "m": ["s"]}, tasks={"m": {"mapping": 0}}, mappings=over_the_source)
    )
    await scene.mark(TaskInstanceState.SUCCESS, "s")
    await scene.schedule()
    [_, mapped] = await scene.task_instances(run)
    assert (mapped.state, mapped.map_index) == ("upstream_failed", -1)
    assert "it was marked by hand" in mapped.error
