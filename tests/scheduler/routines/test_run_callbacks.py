from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.queries.dag_callbacks import CALLS_MAX, LOST
from flowcore.database.queries.marking import mark_runs
from flowcore.database.tables import callback
from flowcore.domain.dag_callbacks import CallbackEnd, Occasion
from flowcore.domain.selections import RunSelection
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import NOW, Scene, chain, make_dag, single

BOTH = {"has_success_callbacks": True, "has_failure_callbacks": True}
SUCCESS, FAILURE = Occasion.SUCCESS, Occasion.FAILURE


def has_dag(dag_id: str) -> bool:
    return dag_id == "etl"


async def states(scene: Scene) -> list[tuple[str, str | None]]:
    return [tuple(row) for row in await scene.rows(sa.select(callback.c.state, callback.c.error))]


async def test_callbacks_of_success_are_told_the_last_task_that_succeeded(scene: Scene) -> None:
    run = await scene.begin(chain(2, **BOTH))
    await scene.hop()
    scene.later(1)
    await scene.hop()
    [called] = await scene.call_back()
    assert (called.occasion, called.reason, called.happened_at) == (SUCCESS, "success", scene.now)
    assert called.run.dag_run_id == run
    assert called.last is not None
    assert (called.last.task_id, called.last.state) == ("t1", TaskInstanceState.SUCCESS)
    assert await states(scene) == [("success", None)]


async def test_callbacks_of_failure_are_told_the_task_that_failed(scene: Scene) -> None:
    await scene.begin(chain(2, **BOTH))
    await scene.hop(TryOutcome.FAILED)
    [called] = await scene.call_back()
    assert (called.occasion, called.reason) == (FAILURE, "task_failure")
    assert called.last is not None
    assert (called.last.task_id, called.last.state) == ("t0", TaskInstanceState.FAILED)


async def test_a_run_that_times_out_tells_callbacks_of_failure_why(scene: Scene) -> None:
    await scene.begin(chain(2, dagrun_timeout_s=30, **BOTH))
    await scene.hop()
    scene.later(30)
    await scene.expire()
    [called] = await scene.call_back()
    assert (called.occasion, called.reason) == (FAILURE, "timed_out")
    assert called.last is not None
    assert called.last.task_id == "t1"


async def test_a_dag_without_tasks_calls_back_when_it_starts(scene: Scene) -> None:
    await scene.begin(make_dag({}, **BOTH))
    [called] = await scene.call_back()
    assert (called.occasion, called.last) == (SUCCESS, None)


async def test_nobody_is_called_who_has_not_asked(scene: Scene) -> None:
    await scene.begin(single(has_failure_callbacks=True))
    await scene.hop()
    assert await scene.call_back() == []


async def test_a_run_that_is_marked_by_hand_calls_nobody(scene: Scene) -> None:
    await scene.begin(chain(2, **BOTH))
    await scene.database.run(mark_runs, runs=RunSelection(dag_id="etl"), state="failed", now=scene.now)
    await scene.schedule()
    assert await scene.call_back() == []


async def test_a_run_that_ends_after_its_tasks_were_marked_calls_back(scene: Scene) -> None:
    await scene.begin(single(**BOTH))
    await scene.mark(TaskInstanceState.FAILED, "a")
    await scene.schedule()
    [called] = await scene.call_back()
    assert called.occasion is FAILURE


async def test_a_run_that_is_cleared_calls_back_each_time(scene: Scene) -> None:
    await scene.begin(single(**BOTH))
    await scene.hop(TryOutcome.FAILED)
    await scene.clear()
    await scene.start()
    await scene.schedule()
    await scene.hop()
    assert [called.occasion for called in await scene.call_back()] == [FAILURE, SUCCESS]


async def test_calls_of_a_scheduler_that_died_are_made_by_the_next(scene: Scene) -> None:
    await scene.begin(single(**BOTH))
    await scene.hop()
    [claimed] = await scene.store.claim_callbacks(has_dag=has_dag, now=NOW, limit=9)
    assert await scene.call_back() == []
    await scene.lose_lease()
    await scene.recover()
    [called] = await scene.call_back()
    assert called.token == claimed.token + 1
    late = CallbackEnd(callback_id=claimed.id, token=claimed.token, error="too late")
    await scene.store.end_callbacks([late], now=scene.now)
    assert await states(scene) == [("success", None)]


async def test_calls_that_are_lost_again_and_again_are_given_up(scene: Scene) -> None:
    await scene.begin(single(**BOTH))
    await scene.hop()
    for _ in range(CALLS_MAX):
        [claimed] = await scene.store.claim_callbacks(has_dag=has_dag, now=NOW, limit=9)
        given_back = CallbackEnd(callback_id=claimed.id, token=claimed.token, given_back=True)
        await scene.store.end_callbacks([given_back], now=scene.now)
    assert await scene.call_back() == []
    assert await states(scene) == [("failed", LOST)]


async def test_callbacks_of_other_dags_are_left_to_who_has_them(scene: Scene) -> None:
    for dag_id in ("other", "etl"):
        await scene.begin(single(dag_id, **BOTH))
    await scene.hop()
    [claimed] = await scene.store.claim_callbacks(has_dag=has_dag, now=NOW, limit=1)
    assert claimed.run.dag_id == "etl"
