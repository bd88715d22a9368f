from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.database.queries.deleting import delete_run
from flowcore.database.tables import dag_run
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import NOW, Scene, chain, make_dag, single

PAST = {"depends_on_past": True}
SUCCESS = TaskInstanceState.SUCCESS


async def begin_two(scene: Scene, dag) -> tuple[int, int]:
    """Start two runs, of yesterday and of today; a later one is triggered first."""
    await scene.register(dag)
    today = await scene.trigger(logical_date=NOW)
    yesterday = await scene.trigger(logical_date=NOW - timedelta(days=1))
    await scene.start()
    await scene.schedule()
    return yesterday, today


async def test_the_first_run_waits_for_none_and_the_next_one_for_it(scene: Scene) -> None:
    yesterday, today = await begin_two(scene, single(every=PAST))
    assert (await scene.states(yesterday), await scene.states(today)) == ({"a": "scheduled"}, {"a": None})
    assert (await scene.run_row(today)).state == "running"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (TryOutcome.SUCCESS, "scheduled"),
        (TryOutcome.SKIPPED, "scheduled"),
        (TryOutcome.FAILED, None),
    ],
)
async def test_the_next_run_goes_on_when_the_task_ended_well(
    scene: Scene, outcome: TryOutcome, state: str | None
) -> None:
    _, today = await begin_two(scene, single(every=PAST))
    await scene.hop(outcome)
    await scene.schedule()
    assert await scene.states(today) == {"a": state}
    assert (await scene.run_row(today)).state == "running"


async def test_a_run_that_is_held_goes_on_when_the_task_before_is_marked(scene: Scene) -> None:
    yesterday, today = await begin_two(scene, single(every=PAST))
    await scene.hop(TryOutcome.FAILED)
    await scene.schedule()
    await scene.mark(SUCCESS, "a", run_id=(await scene.run_row(yesterday)).run_id)
    await scene.schedule()
    assert await scene.states(today) == {"a": "scheduled"}


async def test_a_run_that_is_held_goes_on_when_the_run_before_is_deleted(scene: Scene) -> None:
    yesterday, today = await begin_two(scene, single(every=PAST))
    await scene.hop(TryOutcome.FAILED)
    await scene.schedule()
    run_id = (await scene.run_row(yesterday)).run_id
    await scene.database.run(delete_run, "etl", run_id)
    await scene.schedule()
    assert await scene.states(today) == {"a": "scheduled"}


async def test_the_tasks_right_after_it_have_to_end_well_too(scene: Scene) -> None:
    waits = {"t0": {"depends_on_past": True, "wait_for_downstream": True}}
    dag = make_dag({"t0": [], "t1": ["t0"], "t2": ["t1"]}, tasks=waits)
    _, today = await begin_two(scene, dag)
    states = []
    for _ in range(2):
        await scene.hop()
        await scene.schedule()
        states.append((await scene.states(today))["t0"])
    assert states == [None, "scheduled"]


async def test_a_failure_is_not_held_back_and_a_skip_only_if_asked_for(scene: Scene) -> None:
    later = {"depends_on_past": True}
    patient = {**later, "wait_for_past_depends_before_skipping": True}
    dag = make_dag({"t": [], "a": ["t"], "b": ["t"]}, tasks={"a": later, "b": patient})
    yesterday, today = await begin_two(scene, dag)
    workloads = await scene.enqueue()
    await scene.end([one for one in workloads if one.run.dag_run_id == today], TryOutcome.SKIPPED)
    await scene.schedule()
    assert await scene.states(today) == {"t": "skipped", "a": "skipped", "b": None}
    await scene.end([one for one in workloads if one.run.dag_run_id == yesterday])
    await scene.schedule()
    await scene.hop()
    await scene.schedule()
    assert await scene.states(today) == {"t": "skipped", "a": "skipped", "b": "skipped"}
    assert (await scene.run_row(today)).state == "success"


async def test_a_task_that_is_new_does_not_wait_unless_told_to(scene: Scene) -> None:
    await scene.begin(single())
    await scene.hop()
    strict = {"c": {"ignore_first_depends_on_past": False}}
    scene.later(60)
    run = await scene.begin(make_dag({"b": [], "c": []}, every=PAST, tasks=strict))
    await scene.schedule()
    assert await scene.states(run) == {"b": "scheduled", "c": None}


async def test_manual_runs_are_no_past_of_a_dag_that_catches_up(scene: Scene) -> None:
    _, today = await begin_two(scene, single(every=PAST, catchup=True))
    assert await scene.states(today) == {"a": "scheduled"}


async def test_a_task_further_down_is_held_when_its_turn_comes(scene: Scene) -> None:
    dag = make_dag({"t0": [], "t1": ["t0"]}, tasks={"t1": PAST})
    yesterday, today = await begin_two(scene, dag)
    await scene.hop()
    assert await scene.states(today) == {"t0": "success", "t1": None}
    await scene.hop()
    await scene.schedule()
    assert await scene.states(today) == {"t0": "success", "t1": "scheduled"}
    assert (await scene.run_row(yesterday)).state == "success"


async def test_two_runs_that_wait_do_not_wake_each_other_for_ever(scene: Scene) -> None:
    await begin_two(scene, chain(2, every=PAST))
    assert [(await scene.schedule()).moved for _ in range(4)][-1] == 0


async def test_the_first_run_of_a_backfill_waits_for_none(scene: Scene) -> None:
    _, today = await begin_two(scene, single(every=PAST))
    await scene.execute(dag_run.update().values(backfill_ordinal=1).where(dag_run.c.id == today))
    await scene.hop(TryOutcome.FAILED)
    await scene.schedule()
    assert await scene.states(today) == {"a": "scheduled"}
