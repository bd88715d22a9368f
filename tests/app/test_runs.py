from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

import flowcore
from flowcore import Flowcore, RunEvent
from flowcore.app.options import Options
from flowcore.app.runs import Run
from flowcore.database.tables import dag_run, task_instance
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.try_settings import TrySettings
from flowcore.errors import DagRunNotFound, UsageError
from flowcore.scheduler.wake_graph import Channel
from flowcore.sdk import DAG, get_current_context, task
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
    with anyio.fail_after(30):
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

    with anyio.fail_after(30):
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


async def test_a_cleared_run_runs_again(fc: Flowcore) -> None:
    fc.register(etl())
    run = await fc.trigger("etl")
    await run.wait()
    cleared = await run.clear("load")
    assert [(one.task_id, one.state) for one in cleared] == [("load", TaskInstanceState.SUCCESS)]
    assert run.state is not DagRunState.SUCCESS
    assert await run.wait() is DagRunState.SUCCESS
    assert [instance.try_number for instance in await run.task_instances()] == [1, 2]


async def test_only_what_failed_is_cleared_when_that_is_asked(fc: Flowcore) -> None:
    fc.register(failing())
    run = await fc.trigger("failing")
    await run.wait()
    assert await run.clear(only_running=True) == []
    assert run.state is DagRunState.FAILED
    assert len(await run.clear(only_failed=True)) == 1
    assert await run.wait() is DagRunState.FAILED


async def test_a_task_that_is_cleared_while_it_runs_is_stopped_and_begins_again(fc: Flowcore) -> None:
    dag, arrived, gate = gated()
    fc.register(dag)
    run = await fc.trigger("gated")
    await arrived.wait()
    await run.clear()
    gate.set()
    assert await run.wait() is DagRunState.SUCCESS
    [instance] = await run.task_instances()
    assert instance.try_number == 2


async def test_a_task_that_is_marked_while_it_runs_is_stopped(fc: Flowcore) -> None:
    dag, arrived, _ = gated()
    fc.register(dag)
    run = await fc.trigger("gated")
    await arrived.wait()
    await run.mark("skipped", "wait")
    assert await run.wait() is DagRunState.SUCCESS
    [instance] = await run.task_instances()
    assert (instance.state, instance.error) == (TaskInstanceState.SKIPPED, "marked skipped by hand")


async def test_a_run_is_marked_and_deleted(fc: Flowcore) -> None:
    dag, arrived, _ = gated()
    fc.register(dag)
    run = await fc.trigger("gated")
    await arrived.wait()
    with pytest.raises(UsageError, match="is running"):
        await run.delete()
    await run.mark("failed")
    assert run.state is DagRunState.FAILED
    await stopped(fc)
    await run.delete()
    with pytest.raises(DagRunNotFound):
        await run.refresh()


async def stopped(fc: Flowcore) -> None:
    """Wait until no try is under a lease."""
    held = sa.select(sa.func.count()).where(task_instance.c.lease_id.is_not(None))
    while True:
        seen = fc.database.wakeups.versions([Channel.EXECUTOR_REPORTS, Channel.SLOTS_FREED])
        if not await fc.database.read(lambda connection: connection.scalar(held)):
            return
        await fc.database.wakeups.after_any(seen, timeout_s=0.05)


async def test_large_xcoms_come_back_from_where_they_are_kept(scene_url: str, tmp_path: Path) -> None:
    kwargs = json.dumps({"path": str(tmp_path), "threshold": 10})
    options = Options(tries=TrySettings(xcom_backend="objects", xcom_backend_kwargs=kwargs))

    @task
    async def rows():
        return ["x"] * 100

    @task
    def count(values):
        return len(values)

    with DAG("d") as dag:
        count(rows())
    async with flowcore.open(scene_url, dags=[dag], options=options) as fc:
        run = await fc.trigger("d")
        assert await run.wait() is DagRunState.SUCCESS
        assert (await run.xcom("rows"), await run.xcom("count")) == (["x"] * 100, 100)
    assert len(list(tmp_path.rglob("*.json"))) == 1  # noqa: ASYNC240


def growing(lengths: list[int]) -> DAG:
    """Mapped over as many elements as is next in `lengths`."""
    with DAG("growing") as dag:

        @task
        def numbers():
            return list(range(lengths.pop(0)))

        @task
        def double(x):
            return 2 * x

        @task
        def total(xs):
            return sum(xs)

        total(double.expand(x=numbers()))
    return dag


async def states_of(run: Run, task_id: str) -> dict[int, str]:
    instances = await run.task_instances()
    return {one.map_index: str(one.state) for one in instances if one.task_id == task_id}


async def test_a_mapped_task_has_as_many_instances_as_there_are_elements_each_time(fc: Flowcore) -> None:
    fc.register(growing([3, 1, 2, 0]))
    run = await fc.trigger("growing")
    await run.wait()
    assert await states_of(run, "double") == dict.fromkeys(range(3), "success")
    assert await run.xcom("total") == 6
    expected = [
        ({0: "success", 1: "removed", 2: "removed"}, "success"),
        ({0: "success", 1: "success", 2: "removed"}, "success"),
        ({0: "skipped", 1: "removed", 2: "removed"}, "skipped"),
    ]
    for states, end in expected:
        await run.clear()
        assert await run.wait() is DagRunState.SUCCESS
        assert await states_of(run, "double") == states
        assert await states_of(run, "total") == {-1: end}


async def test_one_instance_of_a_mapped_task_is_cleared_and_marked(fc: Flowcore) -> None:
    fc.register(growing([3]))
    run = await fc.trigger("growing")
    await run.wait()
    assert [one.map_index for one in await run.clear("double", map_indexes=[1])] == [1]
    await run.wait()
    tries = [one.try_number for one in await run.task_instances() if one.task_id == "double"]
    assert tries == [1, 2, 1]
    await run.mark("failed", "double", map_indexes=[2])
    assert await states_of(run, "double") == {0: "success", 1: "success", 2: "failed"}


async def test_instances_are_named_by_their_template(fc: Flowcore) -> None:
    with DAG("named") as dag:

        @task(map_index_template="{{ nice }} of {{ expanded_ti_count }}")
        async def measure(x):
            get_current_context()["nice"] = f"number {x}"
            assert x != 5

        @task(map_index_template="{{ nowhere }}")
        async def unnamed(x): ...

        measure.expand(x=[4, 5])
        unnamed.expand(x=[6])
    fc.register(dag)
    run = await fc.trigger("named")
    await run.wait()
    instances = await run.task_instances()
    assert [(one.rendered_map_index, str(one.state)) for one in instances] == [
        ("number 4 of 2", "success"), ("number 5 of 2", "failed"), (None, "success"),
    ]  # fmt: skip
