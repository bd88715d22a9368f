from __future__ import annotations

from functools import partial

import pytest

from flowcore.database.queries.marking import mark_runs
from flowcore.domain.selections import RunSelection
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import TryOutcome
from flowcore.errors import DagRunNotFound, UsageError
from tests.support.scheduling import Scene, chain, loose, make_dag, single

SUCCESS, FAILED, SKIPPED = TaskInstanceState.SUCCESS, TaskInstanceState.FAILED, TaskInstanceState.SKIPPED
WITH_TEARDOWN = make_dag(
    {"work": [], "tidy": ["work"]},
    tasks={"tidy": {"is_teardown": True, "trigger_rule": TriggerRule.ALL_DONE}},
)


async def mark_run(scene: Scene, state: DagRunState) -> list[str]:
    unit = partial(mark_runs, runs=RunSelection(dag_id="etl"), state=state, now=scene.now)
    return [one.task_id for one in await scene.database.run(unit)]


async def test_a_marked_task_lets_its_downstream_go_on(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    changed = await scene.mark(SUCCESS, "t0")
    assert [(one.task_id, one.state) for one in changed] == [("t0", "scheduled")]
    await scene.schedule()
    assert await scene.states(run) == {"t0": "success", "t1": "scheduled"}
    first = (await scene.task_instances(run))[0]
    assert (first.start_date, first.end_date, first.error) == (scene.now, scene.now, None)


async def test_a_marked_task_that_runs_is_stopped_and_its_end_refused(scene: Scene) -> None:
    run = await scene.begin(single())
    workloads = await scene.enqueue()
    await scene.mark(SUCCESS, "a")
    await scene.revoke()
    reason = "the task instance was marked success"
    assert [cancelled[2] for cancelled in scene.executor.cancelled] == [reason]
    applied = await scene.end(workloads, TryOutcome.FAILED, error=reason)
    assert (applied.refused, len(applied.stopped)) == ((), 1)
    await scene.schedule()
    assert await scene.states(run) == {"a": "success"}
    assert (await scene.run_row(run)).state == "success"


async def test_what_failed_for_want_of_a_task_begins_again_when_it_is_marked(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.hop(TryOutcome.FAILED)
    assert (await scene.run_row(run)).state == "failed"
    await scene.mark(SUCCESS, "t0")
    assert await scene.states(run) == {"t0": "success", "t1": None, "t2": None}
    assert (await scene.run_row(run)).state == "queued"
    await scene.start()
    await scene.schedule()
    assert [work.task_id for work in await scene.hop()] == ["t1"]


async def test_what_succeeded_after_a_task_stays_as_it_is(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    for _ in range(2):
        await scene.hop()
    await scene.mark(FAILED, "t0")
    assert await scene.states(run) == {"t0": "failed", "t1": "success"}


@pytest.mark.parametrize(
    ("outcome", "mark", "before", "after"),
    [(TryOutcome.FAILED, SUCCESS, "failed", "success"), (TryOutcome.SUCCESS, FAILED, "success", "failed")],
)
async def test_a_run_that_has_ended_ends_as_its_last_task_is_marked(
    scene: Scene, outcome: TryOutcome, mark: TaskInstanceState, before: str, after: str
) -> None:
    run = await scene.begin(single())
    await scene.hop(outcome)
    ended_at = scene.now
    scene.later(60)
    assert (await scene.run_row(run)).state == before
    await scene.mark(mark, "a")
    row = await scene.run_row(run)
    assert (row.state, row.end_date) == (after, ended_at)


async def test_relatives_and_other_runs_are_marked_with_a_task(scene: Scene) -> None:
    await scene.register(chain(3))
    first, second = [await scene.trigger(run_id=name) for name in ("first", "second")]
    await scene.start()
    await scene.mark(SKIPPED, "t1", run_id="first", upstream=True, future=True)
    for run in (first, second):
        assert await scene.states(run) == {"t0": "skipped", "t1": "skipped", "t2": None}
    await scene.mark(SUCCESS, "t1", run_id="second", downstream=True)
    assert await scene.states(first) == {"t0": "skipped", "t1": "skipped", "t2": None}
    assert await scene.states(second) == {"t0": "skipped", "t1": "success", "t2": "success"}


async def test_a_mark_that_is_there_changes_nothing(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.hop()
    scene.later(60)
    assert await scene.mark(SUCCESS, "a") == []
    assert (await scene.task_instances(run))[0].end_date != scene.now


async def test_a_dry_run_marks_nothing(scene: Scene) -> None:
    run = await scene.begin(single())
    assert len(await scene.mark(SUCCESS, "a", dry_run=True)) == 1
    assert await scene.states(run) == {"a": "scheduled"}


async def test_a_task_instance_cannot_be_marked_as_running(scene: Scene) -> None:
    await scene.begin(single())
    with pytest.raises(UsageError, match="cannot be marked running; use one of failed, skipped, success"):
        await scene.mark(TaskInstanceState.RUNNING, "a")


async def test_a_run_that_is_marked_success_ends_with_all_its_tasks(scene: Scene) -> None:
    run = await scene.begin(chain(3))
    await scene.hop()
    [held] = await scene.enqueue()
    assert await mark_run(scene, DagRunState.SUCCESS) == ["t1", "t2"]
    assert set((await scene.states(run)).values()) == {"success"}
    assert (await scene.run_row(run)).state == "success"
    await scene.revoke()
    assert [key for key, _, _ in scene.executor.cancelled] == [held.task_instance_id]


async def test_of_a_run_that_is_marked_failed_what_runs_fails_and_the_rest_is_skipped(scene: Scene) -> None:
    run = await scene.begin(loose(3))
    [done, running, _] = await scene.enqueue()
    await scene.end([done])
    await scene.begin_tries([running])
    await mark_run(scene, DagRunState.FAILED)
    assert await scene.states(run) == {"t0": "success", "t1": "failed", "t2": "skipped"}
    row = await scene.run_row(run)
    assert (row.state, row.end_date) == ("failed", scene.now)
    assert (await scene.task_instances(run))[1].error == "marked failed by hand"


async def test_what_is_settled_later_does_not_revive_a_run_that_was_marked(scene: Scene) -> None:
    run = await scene.begin(chain(2))
    await scene.end(await scene.enqueue())
    await mark_run(scene, DagRunState.FAILED)
    await scene.schedule()
    assert await scene.states(run) == {"t0": "success", "t1": "skipped"}
    assert (await scene.run_row(run)).state == "failed"


@pytest.mark.parametrize(
    ("state", "marked"), [(DagRunState.SUCCESS, "success"), (DagRunState.FAILED, "failed")]
)
async def test_a_marked_run_ends_when_its_teardowns_have_ended(
    scene: Scene, state: DagRunState, marked: str
) -> None:
    run = await scene.begin(WITH_TEARDOWN)
    assert await mark_run(scene, state) == ["work"]
    assert (await scene.run_row(run)).state == "running"
    await scene.schedule()
    assert [work.task_id for work in await scene.hop()] == ["tidy"]
    assert await scene.states(run) == {"work": marked, "tidy": "success"}
    assert (await scene.run_row(run)).state == marked


async def test_a_run_that_has_not_started_can_be_marked(scene: Scene) -> None:
    await scene.register(single())
    run = await scene.trigger()
    await mark_run(scene, DagRunState.FAILED)
    assert (await scene.start()).moved == 0
    assert (await scene.run_row(run)).state == "failed"


async def test_a_run_cannot_be_marked_as_running(scene: Scene) -> None:
    await scene.begin(single())
    with pytest.raises(UsageError, match="use success or failed, or clear it"):
        await mark_run(scene, DagRunState.RUNNING)


async def test_a_run_that_is_not_there_cannot_be_marked(scene: Scene) -> None:
    await scene.register(single())
    with pytest.raises(DagRunNotFound):
        await scene.mark(SUCCESS, "a", run_id="absent")
