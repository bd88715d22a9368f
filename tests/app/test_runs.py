from __future__ import annotations

import anyio
import pytest
import sqlalchemy as sa

from flowcore import Flowcore, RunEvent
from flowcore.database.tables import dag_run
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import DagRunNotFound
from tests.app.dags import etl, failing, gated


async def test_a_run_is_waited_for_and_shows_its_results(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    assert await run.wait() is DagRunState.SUCCESS
    assert await run.xcom("load") == 6
    assert await run.xcom("extract") == {"rows": 3}
    assert await run.xcom("absent") is None


async def test_a_run_that_ended_before_is_not_waited_for(fc: Flowcore) -> None:
    fc.register(etl())
    await (await fc.trigger("etl", run_id="first")).wait()
    with anyio.fail_after(1):
        assert await (await fc.run("etl", "first")).wait() is DagRunState.SUCCESS


async def test_a_run_knows_when_it_was_running(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    assert (run.state, run.start_date, run.end_date) == (DagRunState.QUEUED, None, None)
    await run.wait()
    assert run.start_date is not None
    assert run.end_date is not None
    assert run.start_date <= run.end_date


async def test_a_failed_run_is_no_error_of_who_waits(fc: Flowcore) -> None:
    fc.register(failing())
    run = await fc.trigger("failing")
    assert await run.wait() is DagRunState.FAILED
    [instance] = await run.task_instances()
    assert (instance.task_id, instance.state) == ("fail", TaskInstanceState.FAILED)
    assert instance.error is not None
    assert instance.error.endswith("ValueError: bug")


async def test_many_wait_for_one_run_and_one_waits_for_many(fc: Flowcore) -> None:
    fc.register(etl())
    runs = [await fc.trigger("etl") for _ in range(10)]
    async with anyio.create_task_group() as nursery:
        for run in runs * 5:
            nursery.start_soon(run.wait)
    assert {run.state for run in runs} == {DagRunState.SUCCESS}


async def test_whoever_gives_up_waiting_leaves_the_others_waiting(fc: Flowcore) -> None:
    dag, arrived, gate = gated()
    fc.register(dag)
    run = await fc.trigger("gated")
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(run.wait)
        await arrived.wait()
        with anyio.move_on_after(0.01):
            await run.wait()
        gate.set()
    assert run.state is DagRunState.SUCCESS


async def test_events_tell_of_each_change_and_of_the_end_last(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    events = [event async for event in run]
    ends = [(event.task_id, event.state) for event in events if event.state == "success"]
    assert ends == [("extract", "success"), ("load", "success"), (None, "success")]
    assert len({(event.task_id, event.state) for event in events}) == len(events)
    assert run.state is DagRunState.SUCCESS


async def test_events_of_a_run_that_ended_before_tell_its_ends(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    await run.wait()
    events = [(event.task_id, event.state) async for event in run]
    assert events == [("extract", "success"), ("load", "success"), (None, "success")]


async def test_events_end_with_the_run_also_when_somebody_else_waits_for_it(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    events: list[RunEvent] = []

    async def watch() -> None:
        events.extend([event async for event in run])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(watch)
            nursery.start_soon(run.wait)
    assert (events[-1].task_id, events[-1].state) == (None, DagRunState.SUCCESS)


async def test_a_run_that_was_deleted_is_not_found(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl", run_id="first")
    await run.wait()
    await fc.database.run(lambda connection: connection.execute(sa.delete(dag_run)).close())
    with pytest.raises(DagRunNotFound):
        await run.refresh()
    with pytest.raises(DagRunNotFound):
        [event async for event in run]
    with pytest.raises(DagRunNotFound, match="flowcore dags list-runs etl"):
        await fc.run("etl", "first")
