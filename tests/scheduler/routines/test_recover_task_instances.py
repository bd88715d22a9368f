from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database.tables import lease, task_instance, task_try
from flowcore.scheduler.decisions.end_tries import LOST_TRIES_MAX
from tests.support.scheduling import NOW, Scene, loose, single


async def test_a_running_try_of_a_dead_process_runs_again_and_is_remembered(scene: Scene) -> None:
    run = await scene.begin(single())
    [lost] = await scene.enqueue()
    await scene.begin_tries([lost])
    await scene.lose_lease()
    assert (await scene.recover()).moved == 1
    [row] = await scene.task_instances(run)
    assert (row.state, row.try_number, row.lost_tries, row.lease_id) == ("scheduled", 1, 1, None)
    [tried] = await scene.rows(sa.select(task_try))
    assert (tried.state, tried.token) == ("lost", lost.token)


async def test_what_a_lost_try_reports_later_is_refused(scene: Scene) -> None:
    run = await scene.begin(single())
    lost = await scene.enqueue()
    await scene.lose_lease()
    await scene.recover()
    assert len((await scene.end(lost)).refused) == 1
    [again] = await scene.enqueue()
    assert len((await scene.end(lost)).refused) == 1
    await scene.end([again])
    assert await scene.states(run) == {"a": "success"}


async def test_a_queued_try_that_is_lost_does_not_count(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.enqueue()
    await scene.lose_lease()
    await scene.recover()
    [row] = await scene.task_instances(run)
    assert (row.state, row.lost_tries) == ("scheduled", 0)
    assert await scene.rows(sa.select(task_try)) == []


async def test_a_task_whose_process_died_each_time_fails(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.begin_tries(await scene.enqueue())
    await scene.execute(task_instance.update().values(lost_tries=LOST_TRIES_MAX))
    await scene.lose_lease()
    await scene.recover()
    [row] = await scene.task_instances(run)
    assert (row.state, row.end_date) == ("failed", NOW)
    assert "again and again" in row.error
    await scene.schedule()
    assert (await scene.run_row(run)).state == "failed"


async def test_a_scheduler_that_is_late_itself_spares_its_own_tries(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.enqueue()
    await scene.execute(lease.update().values(expires_at=NOW.replace(year=2000)))
    assert (await scene.recover()).moved == 0
    assert await scene.states(run) == {"a": "queued"}


async def test_a_process_is_forgotten_with_all_its_tries_at_once(scene: Scene) -> None:
    await scene.begin(loose(3))
    await scene.enqueue()
    await scene.lose_lease()
    assert (await scene.recover(batch_size=2)).moved == 3
    assert len(await scene.rows(sa.select(lease))) == 1


async def test_the_next_lease_to_lapse_is_the_next_deadline(rivals: tuple[Scene, Scene]) -> None:
    first, _ = rivals
    batch = await first.recover()
    assert batch.next_at is not None
    assert (batch.next_at - first.now).total_seconds() == pytest.approx(60, abs=5)


async def test_alone_there_is_no_deadline(scene: Scene) -> None:
    assert (await scene.recover()).next_at is None


async def test_a_process_that_was_taken_over_cannot_renew_its_lease(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.execute(
        sa.text("UPDATE lease SET expires_at = '2000-01-01' WHERE id = (SELECT min(id) FROM lease)")
    )
    await second.recover()
    assert not await first.store.renew_lease(60)
    assert await second.store.renew_lease(60)


async def test_tries_whose_process_was_forgotten_too_early_run_again(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.enqueue()
    await scene.lose_lease()
    await scene.execute(lease.delete().where(lease.c.expires_at < NOW.replace(year=2001)))
    assert (await scene.recover()).moved == 1
    assert await scene.states(run) == {"a": "scheduled"}
