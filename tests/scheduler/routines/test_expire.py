from __future__ import annotations

from datetime import timedelta

from flowcore.domain.retries import RetryRule
from flowcore.domain.workloads import TryOutcome
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
