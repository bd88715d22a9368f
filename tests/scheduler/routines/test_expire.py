from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from flowcore.database.tables import task_instance, task_try
from flowcore.domain.retries import RetryRule
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.scheduler.decisions.end_tries import CLAIMS_MAX
from tests.support.scheduling import NOW, Scene, chain, loose, single

RETRIED = single(every={"retries": 1, "retry_rule": RetryRule(delay_s=60)})


async def test_a_retry_is_scheduled_once_its_delay_is_over(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.end(await scene.enqueue(), TryOutcome.FAILED)
    assert (await scene.expire()).next_at == NOW + timedelta(minutes=1)
    scene.later(60)
    assert (await scene.expire()).moved == 1
    [row] = await scene.task_instances(run)
    assert (row.state, row.try_number, row.scheduled_at) == ("scheduled", 2, scene.now)


async def test_a_task_that_fails_in_its_last_try_fails_the_run(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await scene.hop(TryOutcome.FAILED)
    scene.later(60)
    await scene.expire()
    [workload] = await scene.hop(TryOutcome.FAILED)
    assert workload.try_number == 2
    assert (await scene.run_row(run)).state == "failed"


async def test_a_run_that_exceeds_its_timeout_fails_and_its_tries_are_revoked(scene: Scene) -> None:
    run = await scene.begin(chain(2, dagrun_timeout_s=30))
    [workload] = await scene.enqueue()
    assert (await scene.expire()).next_at == NOW + timedelta(seconds=30)
    scene.later(30)
    await scene.expire()
    row = await scene.run_row(run)
    assert (row.state, row.reason, row.end_date) == ("failed", "timed_out", scene.now)
    assert await scene.states(run) == {"t0": "skipped", "t1": "skipped"}
    await scene.revoke()
    reason = "the Dag run exceeded its dagrun_timeout"
    assert scene.executor.cancelled == [(workload.task_instance_id, workload.token, reason)]


async def test_a_try_of_a_run_that_timed_out_cannot_report_any_more(scene: Scene) -> None:
    run = await scene.begin(single(dagrun_timeout_s=30))
    workloads = await scene.enqueue()
    scene.later(30)
    await scene.expire()
    assert len((await scene.end(workloads)).stopped) == 1
    assert await scene.states(run) == {"a": "skipped"}


async def test_what_had_ended_before_the_timeout_stays_as_it_is(scene: Scene) -> None:
    run = await scene.begin(loose(2, dagrun_timeout_s=30))
    [first, _] = await scene.enqueue()
    await scene.end([first])
    scene.later(30)
    await scene.expire()
    await scene.schedule()
    assert await scene.states(run) == {"t0": "success", "t1": "skipped"}
    assert (await scene.run_row(run)).reason == "timed_out"


async def test_a_run_that_ended_in_time_is_left_alone(scene: Scene) -> None:
    run = await scene.begin(single(dagrun_timeout_s=30))
    await scene.hop()
    scene.later(60)
    batch = await scene.expire()
    assert (batch.moved, batch.next_at) == (0, None)
    assert (await scene.run_row(run)).state == "success"


async def test_more_retries_than_a_batch_holds_are_scheduled_in_several_steps(scene: Scene) -> None:
    rule = RetryRule(delay_s=0)
    await scene.begin(loose(3, every={"retries": 1, "retry_rule": rule}))
    await scene.end(await scene.enqueue(), TryOutcome.FAILED)
    assert (await scene.expire(batch_size=2)).more
    assert not (await scene.expire(batch_size=2)).more
    assert len(await scene.enqueue()) == 3


async def put_off(scene: Scene, seconds: float) -> Workload:
    """Let the try that is scheduled put itself off; which it was."""
    [workload] = await scene.enqueue()
    await scene.begin_tries([workload])
    at = scene.now + timedelta(seconds=seconds)
    await scene.end([workload], TryOutcome.RESCHEDULED, reschedule_at=at)
    return workload


async def test_a_try_that_was_put_off_goes_on_as_the_same_try(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    first = await put_off(scene, 60)
    [row] = await scene.task_instances(run)
    assert (row.state, row.lease_id, row.due_at) == ("up_for_reschedule", None, NOW + timedelta(minutes=1))
    assert (await scene.expire()).next_at == row.due_at
    scene.later(60)
    await scene.expire()
    [second] = await scene.enqueue()
    assert (second.try_number, second.token) == (first.try_number, first.token + 1)
    assert (second.start_date, second.waiting_since, second.reschedules) == (NOW, NOW, 1)
    await scene.end([second])
    assert await scene.rows(sa.select(task_try)) == []


async def test_neither_a_retry_nor_a_loss_resets_since_when_a_task_waits(scene: Scene) -> None:
    await scene.begin(RETRIED)
    await put_off(scene, 60)
    scene.later(60)
    await scene.expire()
    await scene.hop(TryOutcome.FAILED)
    scene.later(60)
    await scene.expire()
    await scene.enqueue()
    await scene.lose_lease()
    await scene.recover()
    [third] = await scene.enqueue()
    assert (third.try_number, third.waiting_since, third.start_date) == (2, NOW, None)


async def test_many_looks_are_no_reason_to_give_up_at_the_first_loss(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.execute(task_instance.update().values(token=CLAIMS_MAX + 1, reschedules=CLAIMS_MAX))
    await scene.enqueue()
    await scene.lose_lease()
    await scene.recover()
    assert await scene.states(run) == {"a": "scheduled"}


async def test_a_try_that_was_put_off_is_kept_when_it_is_cleared_and_waits_anew(scene: Scene) -> None:
    await scene.begin(single())
    await put_off(scene, 60)
    await scene.clear("a")
    [tried] = await scene.rows(sa.select(task_try))
    assert (tried.try_number, tried.state) == (1, "up_for_reschedule")
    await scene.schedule()
    [again] = await scene.enqueue()
    assert (again.try_number, again.waiting_since, again.start_date) == (2, None, None)
