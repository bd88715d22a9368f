from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from flowcore.concurrency.wakeups import Wakeups
from flowcore.database.tables import rendered_fields, task_try, xcom
from flowcore.domain.retries import RetryAdvice, RetryRule
from flowcore.domain.workloads import TryOutcome, TryStarted
from flowcore.scheduler.routines.apply_executor_events import ApplyExecutorEvents, ReportBuffer
from tests.support.scheduling import NOW, Scene, ended_now, loose, single

RETRIED = single(every={"retries": 1, "retry_rule": RetryRule(delay_s=60)})
#: Names that PostgreSQL cannot keep.
NASTY = ["null \x00 byte", "half a pair \ud800", "\udfff\x00"]


def routine(scene: Scene) -> ApplyExecutorEvents:
    return ApplyExecutorEvents(scene.store, ReportBuffer(Wakeups()))


async def test_a_started_try_is_running(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.begin_tries(await scene.enqueue())
    [row] = await scene.task_instances(run)
    assert (row.state, row.start_date) == ("running", NOW)


async def test_the_end_of_a_try_is_written_with_its_xcoms(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.end(await scene.enqueue(), xcoms={"return_value": '{"n": 1}'})
    [row] = await scene.task_instances(run)
    assert (row.state, row.end_date, row.lease_id) == ("success", NOW, None)
    [pushed] = await scene.rows(sa.select(xcom))
    assert (pushed.key, pushed.value, pushed.try_number) == ("return_value", '{"n": 1}', 1)


async def test_an_end_with_an_old_token_is_refused_and_leaves_nothing(scene: Scene) -> None:
    run = await scene.begin(single())
    workloads = await scene.enqueue()
    await scene.execute(sa.text("UPDATE task_instance SET token = token + 1"))
    applied = await scene.end(workloads, xcoms={"return_value": "1"})
    assert [end.workload for end in applied.refused] == workloads
    assert await scene.states(run) == {"a": "queued"}
    assert await scene.rows(sa.select(xcom)) == []


async def test_a_start_with_an_old_token_is_ignored(scene: Scene) -> None:
    run = await scene.begin(single())
    workloads = await scene.enqueue()
    await scene.execute(sa.text("UPDATE task_instance SET token = token + 1"))
    await scene.begin_tries(workloads)
    assert await scene.states(run) == {"a": "queued"}


async def test_the_same_end_said_twice_is_applied_once(scene: Scene) -> None:
    await scene.begin(single())
    workloads = await scene.enqueue()
    assert (await scene.end(workloads)).moved == 1
    assert len((await scene.end(workloads)).refused) == 1
    assert (await scene.schedule()).moved == 1


async def test_a_try_that_was_given_back_runs_again_as_the_same_try(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    [first] = await scene.enqueue()
    await scene.end([first], TryOutcome.GIVEN_BACK)
    assert await scene.states(run) == {"a": "scheduled"}
    [second] = await scene.enqueue()
    assert (second.try_number, second.token) == (first.try_number, first.token + 1)


async def test_a_try_that_failed_waits_for_its_retry_and_is_remembered(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.end(await scene.enqueue(), TryOutcome.FAILED, error="it broke")
    [row] = await scene.task_instances(run)
    assert (row.state, row.due_at) == ("up_for_retry", NOW + timedelta(minutes=1))
    [tried] = await scene.rows(sa.select(task_try))
    assert (tried.try_number, tried.state, tried.error) == (1, "failed", "it broke")


async def test_what_a_retry_policy_said_is_kept_until_the_next_end(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.end(await scene.enqueue(), TryOutcome.FAILED, advice=RetryAdvice(5, "busy"))
    [row] = await scene.task_instances(run)
    assert (row.state, row.due_at, row.reason) == ("up_for_retry", NOW + timedelta(seconds=5), "busy")
    scene.later(5)
    await scene.expire()
    await scene.end(await scene.enqueue())
    [row] = await scene.task_instances(run)
    assert (row.state, row.reason) == ("success", None)


async def test_a_retry_weighs_what_its_task_says(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.end(await scene.enqueue(), TryOutcome.FAILED, advice=RetryAdvice(5, priority_weight=8))
    scene.later(5)
    await scene.expire()
    [workload] = await scene.enqueue()
    await scene.end([workload])
    assert workload.priority_weight == 8
    assert [row.priority_weight for row in await scene.task_instances(run)] == [8]


async def test_a_retry_leaves_the_downstream_alone(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.end(await scene.enqueue(), TryOutcome.FAILED)
    assert (await scene.schedule()).moved == 0
    assert (await scene.run_row(run)).state == "running"


@pytest.mark.parametrize("text", NASTY, ids=["nul", "surrogate", "both"])
async def test_a_report_that_the_database_cannot_keep_does_not_poison_the_batch(
    scene: Scene, text: str
) -> None:
    run = await scene.begin(loose(2))
    [good, bad] = await scene.enqueue()
    ends = [
        ended_now(good, TryOutcome.SUCCESS, NOW),
        ended_now(bad, TryOutcome.FAILED, NOW, xcoms={text: "1"}),
    ]
    buffer = ReportBuffer(Wakeups(), ended=ends)
    apply = ApplyExecutorEvents(scene.store, buffer)
    while (await apply.step(NOW)).more:
        pass
    assert await scene.states(run) == {"t0": "success", "t1": "failed"}
    assert buffer.ended == []


async def test_a_start_waits_a_moment_for_its_end(scene: Scene) -> None:
    run = await scene.begin(single())
    [workload] = await scene.enqueue()
    apply = routine(scene)
    apply.buffer.report(TryStarted(workload=workload, start_date=NOW))
    batch = await apply.step(NOW)
    assert batch.moved == 0
    assert batch.next_at is not None
    await apply.step(batch.next_at)
    assert await scene.states(run) == {"a": "running"}
    assert (await apply.step(batch.next_at)).next_at is None


async def test_an_end_at_once_saves_the_start(scene: Scene) -> None:
    run = await scene.begin(single())
    [workload] = await scene.enqueue()
    apply = routine(scene)
    apply.buffer.report(TryStarted(workload=workload, start_date=NOW))
    apply.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    batch = await apply.step(NOW)
    assert (batch.moved, batch.next_at) == (1, None)
    assert await scene.states(run) == {"a": "success"}


async def test_ends_wait_a_moment_for_those_of_tries_that_are_as_young(scene: Scene) -> None:
    run = await scene.begin(loose(10))
    apply = routine(scene)
    workloads = await scene.enqueue()
    for workload in workloads:
        apply.buffer.expect(workload, NOW)
    for workload in workloads[:4]:
        apply.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    batch = await apply.step(NOW)
    assert (batch.moved, "success" in (await scene.states(run)).values()) == (0, False)
    assert batch.next_at is not None
    assert (await apply.step(batch.next_at)).moved == 4


async def test_ends_wait_no_longer_once_half_of_the_young_tries_have_ended(scene: Scene) -> None:
    await scene.begin(loose(10))
    apply = routine(scene)
    workloads = await scene.enqueue()
    for workload in workloads:
        apply.buffer.expect(workload, NOW)
    for workload in workloads[:5]:
        apply.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    assert (await apply.step(NOW)).moved == 5


async def test_an_end_waits_for_no_try_that_has_been_running_for_long(scene: Scene) -> None:
    await scene.begin(loose(10))
    apply = routine(scene)
    [first, *others] = await scene.enqueue()
    for workload in others:
        apply.buffer.expect(workload, NOW)
        apply.buffer.report(TryStarted(workload=workload, start_date=NOW))
    scene.later(1)
    await apply.step(scene.now)
    apply.buffer.report(ended_now(first, TryOutcome.SUCCESS, scene.now))
    assert (await apply.step(scene.now)).moved == 1


async def test_an_end_waits_for_no_try_that_does_not_begin(scene: Scene) -> None:
    await scene.begin(loose(10))
    apply = routine(scene)
    [first, *others] = await scene.enqueue()
    for workload in others:
        apply.buffer.expect(workload, NOW)
    scene.later(2)
    apply.buffer.report(ended_now(first, TryOutcome.SUCCESS, scene.now))
    assert (await apply.step(scene.now)).moved == 1


async def test_starts_are_written_together(scene: Scene) -> None:
    run = await scene.begin(loose(2))
    apply = routine(scene)
    for number, workload in enumerate(await scene.enqueue()):
        start = NOW + number * timedelta(milliseconds=20)
        apply.buffer.report(TryStarted(workload=workload, start_date=start))
    batch = await apply.step(NOW)
    assert batch.next_at is not None
    await apply.step(batch.next_at)
    assert await scene.states(run) == {"t0": "running", "t1": "running"}


async def test_more_ends_than_a_batch_holds_are_written_in_several_steps(scene: Scene) -> None:
    run = await scene.begin(loose(3))
    apply = ApplyExecutorEvents(scene.store, ReportBuffer(Wakeups()), batch_size=2)
    for workload in await scene.enqueue():
        apply.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    assert (await apply.step(NOW)).more
    assert not (await apply.step(NOW)).more
    assert set((await scene.states(run)).values()) == {"success"}


async def test_refused_ends_are_counted(scene: Scene) -> None:
    await scene.begin(single())
    [workload] = await scene.enqueue()
    await scene.end([workload])
    apply = routine(scene)
    apply.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    await apply.step(NOW)
    assert apply.refused == 1


async def test_a_late_end_beside_the_end_of_the_try_that_followed_is_refused_alone(scene: Scene) -> None:
    run = await scene.begin(single())
    [lost] = await scene.enqueue()
    await scene.execute(sa.text("UPDATE task_instance SET state = 'scheduled'"))
    [again] = await scene.enqueue()
    applied = await scene.end([again, lost])
    assert [end.workload for end in applied.refused] == [lost]
    assert await scene.states(run) == {"a": "success"}


async def test_what_a_beginning_brought_is_not_lost_when_the_end_comes_first(scene: Scene) -> None:
    await scene.begin(single())
    [workload] = await scene.enqueue()
    events = routine(scene)
    events.buffer.report(TryStarted(workload=workload, start_date=NOW, rendered_fields={"sql": "select 1"}))
    events.buffer.report(ended_now(workload, TryOutcome.SUCCESS, NOW))
    await events.step(NOW)
    [row] = await scene.rows(sa.select(rendered_fields))
    assert (row.task_instance_id, row.fields) == (workload.task_instance_id, {"sql": "select 1"})
