from __future__ import annotations

from datetime import UTC, datetime

import anyio
import pytest
import sqlalchemy as sa

import flowcore
from flowcore import Flowcore
from flowcore.database.queries.listing_dags import list_dags
from flowcore.domain.states import DagRunState
from flowcore.errors import DagError, DagNotFound, ParamError, UsageError
from flowcore.sdk import DAG, Param, task
from tests.app.conftest import OPTIONS
from tests.app.dags import etl, gated


async def test_a_registered_dag_is_stored_in_the_background(fc: Flowcore) -> None:
    seen = fc.database.wakeups.version("dags")
    fc.register(etl())
    with anyio.fail_after(30):
        await fc.database.wakeups.after("dags", seen)
    assert [listed.dag_id for listed in await fc.database.read(list_dags)] == ["etl"]


async def test_a_dag_can_be_triggered_as_soon_as_it_is_registered(fc: Flowcore) -> None:
    fc.register(etl())
    assert await (await fc.trigger("etl")).wait() is DagRunState.SUCCESS


async def test_a_newer_version_takes_over(fc: Flowcore) -> None:
    fc.register(etl())
    await (await fc.trigger("etl")).wait()
    with DAG("etl") as newer:
        task(lambda: "new", task_id="only")()
    fc.register(newer)
    run = await fc.trigger("etl")
    await run.wait()
    assert [instance.task_id for instance in await run.task_instances()] == ["only"]


async def test_a_dag_that_cannot_be_used_is_refused_when_it_is_registered(fc: Flowcore) -> None:
    with DAG("circle") as dag:
        first, second = task(lambda: 1, task_id="a")(), task(lambda: 2, task_id="b")()
        first >> second >> first
    with pytest.raises(DagError, match="cycle"):
        fc.register(dag)


async def test_an_unknown_dag_cannot_be_triggered(fc: Flowcore) -> None:
    fc.register(etl())
    with pytest.raises(DagNotFound, match="there is no Dag 'elt'; known: etl"):
        await fc.trigger("elt")


async def test_a_run_id_is_taken_once(fc: Flowcore) -> None:
    fc.register(etl())
    await fc.trigger("etl", run_id="first")
    with pytest.raises(UsageError, match="choose another run_id"):
        await fc.trigger("etl", run_id="first")


async def test_conf_overrides_params_and_is_checked(fc: Flowcore) -> None:
    @task
    def show(params):
        return params["size"]

    with DAG("sized", params={"size": Param(1, type="integer")}) as dag:
        show()
    fc.register(dag)
    run = await fc.trigger("sized", conf={"size": 5})
    await run.wait()
    assert await run.xcom("show") == 5
    with pytest.raises(ParamError, match="size"):
        await fc.trigger("sized", conf={"size": "large"})


@pytest.mark.parametrize("text", ["\0", "\ud800"], ids=["NUL", "half a surrogate pair"])
async def test_conf_that_postgresql_cannot_keep_is_refused(scene_postgres: str, text: str) -> None:
    async with flowcore.open(scene_postgres, dags=[etl()], options=OPTIONS) as fc:
        with pytest.raises(UsageError, match="leave NUL and halves of surrogate pairs out"):
            await fc.trigger("etl", conf={"text": text})
        with pytest.raises(UsageError, match="choose a name that matches"):
            await fc.trigger("etl", run_id=text)
        assert await (await fc.trigger("etl")).wait() is DagRunState.SUCCESS


async def test_idle_means_that_no_run_is_left(fc: Flowcore) -> None:
    dag, arrived, gate = gated()
    fc.register(dag)
    run = await fc.trigger("gated")
    await arrived.wait()
    with anyio.move_on_after(0.05) as scope:
        await fc.wait_idle()
    assert scope.cancelled_caught
    gate.set()
    await fc.wait_idle(poll_s=0.01)
    await run.refresh()
    assert run.state is DagRunState.SUCCESS


async def test_statistics_tell_of_routines_and_transactions(fc: Flowcore) -> None:
    fc.register(etl())
    await (await fc.trigger("etl")).wait()
    statistics = fc.statistics()
    assert "schedule_task_instances" in statistics.scheduler.routines
    assert all(health.failures == 0 for health in statistics.scheduler.routines.values())
    assert statistics.database.transactions > 0


async def test_a_run_can_be_dated(fc: Flowcore) -> None:
    fc.register(etl())
    moment = datetime(2020, 2, 29, tzinfo=UTC)
    run = await fc.trigger("etl", logical_date=moment)
    assert run.run_id == "manual__2020-02-29T00:00:00+00:00"
    assert await run.wait() is DagRunState.SUCCESS


async def test_a_stop_in_the_middle_of_the_body_ends_the_scheduler(fc: Flowcore) -> None:
    fc.stop()
    with anyio.fail_after(30):
        await fc.wait_stopped()
    assert fc.is_released
    count = sa.text("SELECT count(*) FROM lease")
    assert await fc.database.read(lambda connection: connection.scalar(count)) == 0


async def test_tasks_of_several_runs_are_cleared_together(fc: Flowcore) -> None:
    fc.register(etl())
    runs = [await fc.trigger("etl") for _ in range(2)]
    for run in runs:
        await run.wait()
    cleared = await fc.clear("etl", task_regex="^lo")
    assert sorted((one.run_id, one.task_id) for one in cleared) == sorted(
        (run.run_id, "load") for run in runs
    )


async def test_a_paused_dag_goes_on_when_it_is_unpaused(fc: Flowcore) -> None:
    fc.register(etl())
    await fc.store_registered()
    await fc.pause("etl")
    run = await fc.trigger("etl")
    await fc.unpause("etl")
    assert await run.wait() is DagRunState.SUCCESS


async def test_a_deleted_dag_is_known_again_when_it_is_registered(fc: Flowcore) -> None:
    fc.register(etl())
    await (await fc.trigger("etl")).wait()
    await fc.delete_dag("etl")
    with pytest.raises(DagNotFound):
        await fc.trigger("etl")
    fc.register(etl())
    assert await (await fc.trigger("etl")).wait() is DagRunState.SUCCESS
