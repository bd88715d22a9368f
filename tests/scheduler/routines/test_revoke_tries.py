from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database.tables import task_instance, task_try
from flowcore.domain.workloads import TryOutcome, Workload
from flowcore.scheduler.routines.revoke_tries import RevokeTries
from tests.support.scheduling import Scene, chain, loose, single


async def change(scene: Scene, state: str, error: str | None = None) -> None:
    """What somebody does who does not want the tries any more."""
    await scene.execute(task_instance.update().values(state=state, error=error))


def routine(scene: Scene) -> RevokeTries:
    return RevokeTries(scene.store, {scene.executor.name: scene.executor})


def keys(workloads: list[Workload]) -> set[tuple[int, int]]:
    return {(work.task_instance_id, work.token) for work in workloads}


def cancelled(scene: Scene) -> list[tuple[int, int]]:
    return [(task_instance_id, token) for task_instance_id, token, _ in scene.executor.cancelled]


@pytest.mark.parametrize(
    ("state", "error", "reason"),
    [
        ("restarting", None, "the task instance was cleared"),
        ("success", None, "the task instance was marked success"),
        ("failed", "marked by hand", "marked by hand"),
    ],
)
async def test_a_try_that_is_not_wanted_any_more_is_stopped_with_the_reason(
    scene: Scene, state: str, error: str | None, reason: str
) -> None:
    await scene.begin(single())
    [workload] = await scene.enqueue()
    await change(scene, state, error)
    await scene.revoke()
    assert scene.executor.cancelled == [(workload.task_instance_id, workload.token, reason)]


async def test_tries_that_are_wanted_go_on(scene: Scene) -> None:
    await scene.begin(loose(2))
    await scene.begin_tries((await scene.enqueue())[:1])
    await scene.revoke()
    assert scene.executor.cancelled == []


async def test_each_try_is_stopped_once(scene: Scene) -> None:
    await scene.begin(loose(2))
    workloads = await scene.enqueue()
    await change(scene, "restarting")
    revoke = routine(scene)
    assert (await revoke.step(scene.now)).moved == 2
    batch = await revoke.step(scene.now)
    assert (batch.moved, batch.next_at) == (0, None)
    assert sorted(cancelled(scene)) == sorted(keys(workloads))


async def test_a_try_that_is_about_to_be_submitted_is_looked_for_again(scene: Scene) -> None:
    await scene.begin(single())
    workloads = await scene.enqueue()
    await change(scene, "restarting")
    scene.executor.has_tries = False
    revoke = routine(scene)
    assert (await revoke.step(scene.now)).next_at is not None
    scene.executor.has_tries = True
    assert (await revoke.step(scene.now)).next_at is None
    assert cancelled(scene) == [*keys(workloads)]


async def test_each_process_stops_its_own_tries(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    await first.begin(single())
    await first.enqueue()
    await change(first, "restarting")
    await second.revoke()
    assert second.executor.cancelled == []
    await first.revoke()
    assert len(first.executor.cancelled) == 1


async def test_a_cleared_task_instance_begins_again_when_its_try_has_stopped(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    [first] = await scene.enqueue()
    await change(scene, "restarting")
    await scene.execute(task_instance.update().where(task_instance.c.position == 1).values(state=None))
    await scene.end([first], TryOutcome.FAILED, error="stopped")
    assert await scene.states(run) == {"t0": None, "t1": None}
    await scene.schedule()
    [again] = await scene.enqueue()
    assert (again.task_id, again.try_number) == ("t0", 2)
    [tried] = await scene.rows(sa.select(task_try))
    assert (tried.try_number, tried.token, tried.state, tried.error) == (1, first.token, "failed", "stopped")


async def test_a_revoked_try_whose_process_died_keeps_nobody_waiting(scene: Scene) -> None:
    run = await scene.begin(loose(2))
    await scene.enqueue()
    await change(scene, "restarting")
    await scene.execute(task_instance.update().where(task_instance.c.position == 1).values(state="success"))
    await scene.lose_lease()
    await scene.recover()
    assert await scene.states(run) == {"t0": None, "t1": "success"}
    assert [row.lease_id for row in await scene.task_instances(run)] == [None, None]
    await scene.schedule()
    assert [work.task_id for work in await scene.enqueue()] == ["t0"]


async def test_a_lease_is_not_released_over_a_try_that_may_be_alive(scene: Scene) -> None:
    await scene.begin(single())
    await scene.enqueue()
    await change(scene, "success")
    assert not await scene.store.release_lease()


async def test_a_lease_is_released_when_revoked_tries_have_stopped(scene: Scene) -> None:
    await scene.begin(single())
    workloads = await scene.enqueue()
    await change(scene, "success")
    assert len((await scene.end(workloads, TryOutcome.FAILED)).stopped) == 1
    assert await scene.store.release_lease()
