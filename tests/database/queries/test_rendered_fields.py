from __future__ import annotations

from functools import partial

import pytest

from flowcore.database.queries.rendered_fields import read_rendered_fields
from flowcore.domain.workloads import TryOutcome, TryStarted
from flowcore.errors import DagRunNotFound, TaskNotFound, UsageError
from flowcore.scheduler.decisions.end_tries import end_try
from tests.support.scheduling import NOW, Scene, ended_now, single

FIELDS = {"sql": "select 1", "env": {"day": ["2024-01-02"]}}
OTHERS = {"sql": "select 2"}


async def begun(scene: Scene, workload, fields) -> None:
    start = TryStarted(workload=workload, start_date=NOW, rendered_fields=fields)
    await scene.store.apply_reports(end_try, started=[start], ended=[])


async def read(scene: Scene, *, run_id: str = "r", task_id: str = "a"):
    address = {"dag_id": "etl", "run_id": run_id, "task_id": task_id, "map_index": -1}
    return await scene.database.read(partial(read_rendered_fields, **address))


@pytest.fixture
async def workload(scene: Scene):
    await scene.register(single(every={"retries": 1}))
    await scene.trigger(run_id="r")
    await scene.start()
    [workload] = await scene.enqueue()
    return workload


async def test_fields_are_kept_when_a_try_begins(scene: Scene, workload) -> None:
    await begun(scene, workload, FIELDS)
    shown = await read(scene)
    assert (shown.task_id, shown.try_number, shown.fields) == ("a", 1, FIELDS)


async def test_fields_come_with_the_end_when_the_beginning_was_not_written(scene: Scene, workload) -> None:
    await scene.end([workload], rendered_fields=FIELDS)
    assert (await read(scene)).fields == FIELDS


async def test_a_beginning_may_be_written_twice(scene: Scene, workload) -> None:
    await begun(scene, workload, FIELDS)
    await begun(scene, workload, FIELDS)
    assert (await read(scene)).fields == FIELDS


async def test_the_current_try_counts(scene: Scene, workload) -> None:
    await begun(scene, workload, FIELDS)
    await scene.end([workload], TryOutcome.GIVEN_BACK)
    [again] = await scene.enqueue()
    with pytest.raises(UsageError, match="the current try of task 'a' in run 'r' has rendered no field"):
        await read(scene)
    await begun(scene, again, OTHERS)
    assert (await read(scene)).fields == OTHERS


async def test_a_lost_try_writes_nothing(scene: Scene, workload) -> None:
    await scene.end([workload], TryOutcome.GIVEN_BACK)
    [again] = await scene.enqueue()
    await begun(scene, workload, FIELDS)
    await scene.store.apply_reports(
        end_try, started=[], ended=[ended_now(workload, TryOutcome.SUCCESS, NOW, rendered_fields=FIELDS)]
    )
    await begun(scene, again, OTHERS)
    assert (await read(scene)).fields == OTHERS


@pytest.mark.usefixtures("workload")
async def test_what_does_not_exist_is_named(scene: Scene) -> None:
    with pytest.raises(DagRunNotFound, match="no run 'none'"):
        await read(scene, run_id="none")
    with pytest.raises(TaskNotFound, match="no task 'none'"):
        await read(scene, task_id="none")
