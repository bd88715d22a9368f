from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from flowcore.database.tables import dag
from flowcore.domain.workloads import TryOutcome
from tests.support.scheduling import Scene, single

GIVES_UP = single(max_consecutive_failed_dag_runs=2)


async def run(scene: Scene, outcome: TryOutcome) -> bool:
    """Let a run end; whether its Dag is paused then."""
    scene.later(60)
    await scene.trigger()
    await scene.start()
    await scene.hop(outcome)
    [row] = await scene.rows(sa.select(dag.c.is_paused))
    return bool(row.is_paused)


async def test_a_dag_that_keeps_failing_is_paused(scene: Scene) -> None:
    await scene.register(GIVES_UP)
    assert [await run(scene, TryOutcome.FAILED) for _ in range(2)] == [False, True]


async def test_a_success_breaks_the_series(scene: Scene) -> None:
    await scene.register(GIVES_UP)
    outcomes = (TryOutcome.FAILED, TryOutcome.SUCCESS, TryOutcome.FAILED)
    assert not any([await run(scene, outcome) for outcome in outcomes])


async def test_without_a_limit_a_dag_goes_on(scene: Scene) -> None:
    await scene.register(single())
    assert not any([await run(scene, TryOutcome.FAILED) for _ in range(3)])


async def test_runs_that_time_out_count(scene: Scene) -> None:
    await scene.register(single(max_consecutive_failed_dag_runs=1, dagrun_timeout_s=30))
    await scene.trigger()
    await scene.start()
    scene.now += timedelta(seconds=30)
    await scene.expire()
    [row] = await scene.rows(sa.select(dag.c.is_paused))
    assert row.is_paused
