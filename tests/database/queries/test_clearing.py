from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.tables import dag_run, task_try
from flowcore.domain.retries import RetryRule
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DagNotFound, DagRunNotFound, UsageError
from tests.support.scheduling import Scene, chain, loose, make_dag, single

FAILED = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
RETRIED = single(every={"retries": 1, "retry_rule": RetryRule(delay_s=0)})


async def finish(scene: Scene, outcome: TryOutcome = TryOutcome.SUCCESS) -> None:
    """Let everything that is queued or scheduled come to its end."""
    await scene.start()
    await scene.schedule()
    while await scene.hop(outcome):
        await scene.expire()


async def runs_of_three_days(scene: Scene) -> list[int]:
    await scene.register(loose(1))
    days = [scene.now - timedelta(days=n) for n in range(3, 0, -1)]
    runs = [await scene.trigger(run_id=f"day{n}", logical_date=day) for n, day in enumerate(days)]
    await finish(scene)
    return runs


async def test_a_run_that_is_cleared_runs_again(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await finish(scene)
    scene.later(60)
    changed = await scene.clear()
    assert [(one.task_id, one.state) for one in changed] == [("t0", "success"), ("t1", "success")]
    row = await scene.run_row(run)
    assert (row.state, row.start_date, row.end_date, row.queued_at) == ("queued", None, None, scene.now)
    assert await scene.states(run) == {"t0": None, "t1": None}
    await finish(scene)
    row = await scene.run_row(run)
    assert (row.state, row.start_date, row.clear_number) == ("success", scene.now, 1)


async def test_tries_before_are_kept_and_retries_begin_anew(scene: Scene) -> None:
    run = await scene.begin(RETRIED)
    await finish(scene, TryOutcome.FAILED)
    assert (await scene.run_row(run)).state == "failed"
    await scene.clear()
    [row] = await scene.task_instances(run)
    assert (row.state, row.try_number, row.max_tries, row.error) == (None, 2, 3, None)
    tries = await scene.rows(sa.select(task_try).order_by(task_try.c.try_number))
    assert [(tried.try_number, tried.state) for tried in tries] == [(1, "failed"), (2, "failed")]
    await finish(scene)
    [row] = await scene.task_instances(run)
    assert (row.state, row.try_number) == ("success", 3)


async def test_only_what_failed_is_cleared_when_that_is_asked(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.hop()
    await finish(scene, TryOutcome.FAILED)
    assert await scene.states(run) == {"t0": "success", "t1": "failed", "t2": "upstream_failed"}
    assert [one.task_id for one in await scene.clear(only=FAILED)] == ["t1", "t2"]
    await finish(scene)
    assert set((await scene.states(run)).values()) == {"success"}


async def test_relatives_are_cleared_with_a_task(scene: Scene) -> None:
    run = await scene.begin(chain(4))
    await finish(scene)
    assert [one.task_id for one in await scene.clear("t2", downstream=True)] == ["t2", "t3"]
    assert await scene.states(run) == {"t0": "success", "t1": "success", "t2": None, "t3": None}
    assert [one.task_id for one in await scene.clear("t1", upstream=True)] == ["t0", "t1"]


async def test_what_comes_after_a_cleared_task_stays_as_it_is(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await finish(scene)
    await scene.clear("t0")
    await finish(scene)
    assert [row.try_number for row in await scene.task_instances(run)] == [2, 1]
    assert (await scene.run_row(run)).state == "success"


async def test_a_task_that_runs_is_stopped_before_it_begins_again(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    [first] = await scene.enqueue()
    await scene.begin_tries([first])
    await scene.clear("t0")
    assert (await scene.run_row(run)).state == "running"
    await scene.schedule()
    assert await scene.enqueue() == []
    await scene.revoke()
    assert scene.executor.cancelled == [
        (first.task_instance_id, first.token, "the task instance was cleared")
    ]
    await scene.end([first], TryOutcome.FAILED)
    await scene.schedule()
    [again] = await scene.enqueue()
    assert (again.task_id, again.try_number) == ("t0", 2)


async def test_a_scheduled_try_has_not_begun_and_keeps_its_number(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.clear()
    assert await scene.states(run) == {"a": None}
    await scene.schedule()
    [workload] = await scene.enqueue()
    assert workload.try_number == 1


async def test_a_task_that_waits_for_its_retry_begins_at_once(scene: Scene) -> None:
    await scene.begin(single(every={"retries": 1, "retry_rule": RetryRule(delay_s=3600)}))
    await scene.end(await scene.enqueue(), TryOutcome.FAILED)
    await scene.clear()
    await scene.schedule()
    [workload] = await scene.enqueue()
    assert (workload.try_number, workload.max_tries) == (2, 2)


@pytest.mark.parametrize(
    ("fields", "cleared"),
    [
        ({"run_id": "day1"}, {"day1"}),
        ({"run_id": "day1", "past": True}, {"day0", "day1"}),
        ({"run_id": "day1", "future": True}, {"day1", "day2"}),
        ({"run_id": "day1", "past": True, "future": True}, {"day0", "day1", "day2"}),
        ({}, {"day0", "day1", "day2"}),
    ],
)
async def test_runs_are_chosen_by_name_and_from_there(
    scene: Scene, fields: dict[str, Any], cleared: set[str]
) -> None:
    await runs_of_three_days(scene)
    assert {one.run_id for one in await scene.clear("t0", **fields)} == cleared


async def test_runs_are_chosen_by_their_logical_dates(scene: Scene) -> None:
    await runs_of_three_days(scene)
    day = scene.now - timedelta(days=2)
    assert {one.run_id for one in await scene.clear(start_date=day, end_date=day)} == {"day1"}


async def test_a_dry_run_tells_and_changes_nothing(scene: Scene) -> None:
    run = await scene.begin(single())
    await finish(scene)
    assert len(await scene.clear(dry_run=True)) == 1
    assert await scene.states(run) == {"a": "success"}
    assert (await scene.run_row(run)).clear_number == 0


async def test_a_cleared_run_waits_for_max_active_runs(scene: Scene) -> None:
    await scene.register(single(max_active_runs=1))
    first, second = await scene.trigger(), await scene.trigger()
    await finish(scene)
    assert await scene.states(second) == {}
    await scene.start()
    await scene.clear(run_id=(await scene.run_row(first)).run_id)
    await scene.start()
    assert [(await scene.run_row(run)).state for run in (first, second)] == ["queued", "running"]


async def test_what_a_process_remembers_of_a_run_is_forgotten(rivals: tuple[Scene, Scene]) -> None:
    first, second = rivals
    run = await first.begin(chain(3))
    await first.hop()
    await second.clear("t0")
    await first.schedule()
    assert await first.states(run) == {"t0": "scheduled", "t1": "scheduled", "t2": None}


async def test_a_run_stays_on_its_version_of_the_dag(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await finish(scene)
    await scene.register(chain(3))
    await scene.clear()
    await finish(scene)
    assert await scene.states(run) == {"t0": "success", "t1": "success"}


async def test_a_run_can_be_moved_to_the_latest_version(scene: Scene) -> None:
    run = await scene.begin(make_dag({"gone": [], "old": ["gone"]}))
    await finish(scene)
    await scene.register(make_dag({"new": [], "old": ["new"]}, every={"priority_weight": 7}))
    await scene.clear(latest_version=True)
    await finish(scene)
    assert await scene.states(run) == {"gone": "removed", "new": "success", "old": "success"}
    rows = {row.task_id: row for row in await scene.task_instances(run)}
    assert (rows["old"].priority_weight, rows["old"].try_number, rows["new"].try_number) == (7, 2, 1)
    assert (await scene.run_row(run)).state == "success"


async def test_a_task_that_comes_back_is_part_of_its_run_again(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await finish(scene)
    for version in (chain(1), chain(2)):
        await scene.register(version)
        await scene.clear(latest_version=True)
        await finish(scene)
    assert await scene.states(run) == {"t0": "success", "t1": "success"}


async def test_tries_after_the_move_have_the_new_version(scene: Scene) -> None:
    await scene.begin(single())
    [before] = await scene.hop()
    await scene.register(single(every={"retries": 2}))
    scene.later(60)
    await scene.clear(latest_version=True)
    await scene.start()
    await scene.schedule()
    [after] = await scene.enqueue()
    assert after.run.dag_version_id != before.run.dag_version_id
    assert (after.run.start_date, after.max_tries) == (scene.now, 3)


async def test_a_run_that_goes_on_cannot_change_its_version(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.register(chain(2))
    with pytest.raises(UsageError, match=r"is running and stays on its version.* mark it failed first"):
        await scene.clear(latest_version=True)
    assert await scene.states(run) == {"a": "scheduled"}


async def test_a_run_without_task_instances_can_be_cleared_whole(scene: Scene) -> None:
    await scene.register(single())
    run = await scene.trigger()
    await scene.execute(dag_run.update().values(state="failed"))
    assert await scene.clear() == []
    await finish(scene)
    assert await scene.states(run) == {"a": "success"}


async def test_a_cleared_run_that_has_nothing_left_to_do_ends(scene: Scene) -> None:
    run = await scene.begin(single())
    await finish(scene)
    await scene.execute(dag_run.update().values(state="queued", clear_number=1))
    await finish(scene)
    assert (await scene.run_row(run)).state == "success"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"run_id": "absent"}, DagRunNotFound, "has no run 'absent'"),
        ({"dag_id": "absent"}, DagNotFound, "there is no Dag 'absent'"),
        ({"task_regex": "^x"}, UsageError, r"has no task '\^x'; see"),
        ({"task_regex": "("}, UsageError, "is no regular expression"),
    ],
)
async def test_what_is_not_there_cannot_be_cleared(
    scene: Scene, fields: dict[str, Any], error: type[Exception], message: str
) -> None:
    await scene.begin(single())
    with pytest.raises(error, match=message):
        await scene.clear(**fields)
