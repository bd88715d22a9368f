from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore import Flowcore
from flowcore.domain.states import DagRunState
from flowcore.errors import UsageError
from flowcore.sdk import (
    DAG,
    Asset,
    PartitionedAssetTimetable,
    PartitionedAtRuntime,
    StartOfDayMapper,
    asset,
    task,
)
from flowcore.sdk.nesting import collecting_dags

FIRST, SECOND = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)

ORDERS = Asset("orders", "s3://shop/orders")


@task
async def ask(ti, prev_data_interval_end_success=None):
    previous = await ti.aget_previous_dagrun("success")
    earlier = await ti.aget_previous_ti()
    return {
        "prev": prev_data_interval_end_success and prev_data_interval_end_success.isoformat(),
        "previous": previous and previous.run_id,
        "earlier": earlier and earlier.state,
        "state": await ti.aget_dagrun_state("d", ti.run_id),
        "runs": await ti.aget_dr_count("d"),
        "instances": await ti.aget_ti_count("d", states=["success"]),
        "states": await ti.aget_task_states("d", run_ids=[ti.run_id]),
    }


async def test_a_task_learns_what_is_in_the_database(fc: Flowcore) -> None:
    with DAG("d") as dag:
        ask()
    fc.register(dag)
    first = await fc.trigger("d", run_id="first", logical_date=FIRST)
    await first.wait()
    second = await fc.trigger("d", run_id="second", logical_date=SECOND)
    await second.wait()
    assert (await first.xcom("ask"))["previous"] is None
    found = await second.xcom("ask")
    assert found == {
        "prev": FIRST.isoformat(),
        "previous": "first",
        "earlier": "success",
        "state": "running",
        "runs": 2,
        "instances": 1,
        "states": {"second": {"ask": found["states"]["second"]["ask"]}},
    }


def reader(seen: list[object], *, is_async: bool) -> DAG:
    with DAG("reader", schedule=ORDERS) as dag:
        if is_async:

            @task(inlets=[ORDERS])
            async def read(triggering_asset_events, inlet_events):
                seen.append([event.extra for event in triggering_asset_events[ORDERS]])
                seen.append([event.extra for event in await inlet_events.aget(ORDERS)])
        else:

            @task(inlets=[ORDERS], runs_in="in-process")
            def read(triggering_asset_events, inlet_events):
                seen.append([event.extra for event in triggering_asset_events[ORDERS]])
                seen.append([event.extra for event in inlet_events[0]])

        read()
    return dag


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_task_learns_what_its_run_has_consumed(fc: Flowcore, is_async: bool) -> None:
    seen: list[object] = []
    fc.register(reader(seen, is_async=is_async))
    await fc.update_asset("orders", extra={"rows": 1})
    await fc.wait_idle()
    await fc.update_asset(uri="s3://shop/orders/", extra={"rows": 2})
    await fc.wait_idle()
    assert seen == [[{"rows": 1}], [{"rows": 1}], [{"rows": 2}], [{"rows": 1}, {"rows": 2}]]


def partitions(seen: list[object]) -> list[DAG]:
    summary = Asset("summary")
    with DAG("load", schedule=PartitionedAtRuntime()) as load:

        @task(outlets=[ORDERS])
        async def fetch(partition_key):
            seen.append(partition_key)

        fetch()

    daily = PartitionedAssetTimetable(assets=ORDERS, default_partition_mapper=StartOfDayMapper())
    with DAG("sum", schedule=daily) as together:

        @task(outlets=[summary])
        async def add(dag_run, partition_date, triggering_asset_events, outlet_events):
            keys = [event.partition_key for event in triggering_asset_events[ORDERS]]
            seen.append((dag_run.partition_key, partition_date.day, keys))
            outlet_events[summary].add_partitions(["eu"])

        add()
    with DAG("use", schedule=PartitionedAssetTimetable(assets=summary)) as use:

        @task
        async def read(partition_key, partition_date):
            seen.append((partition_key, partition_date))

        read()
    return [load, together, use]


async def test_partitions_are_passed_on_from_run_to_run(fc: Flowcore) -> None:
    seen: list[object] = []
    for dag in partitions(seen):
        fc.register(dag)
    await fc.store_registered()
    await fc.trigger("load", partition_key="2026-03-04T05:00:00")
    await fc.wait_idle()
    await fc.update_asset("summary", partition_key="us")
    await fc.wait_idle()
    assert seen == [
        "2026-03-04T05:00:00",
        ("2026-03-04", 4, ["2026-03-04T05:00:00"]),
        ("eu", None),
        ("us", None),
    ]


async def test_functions_of_assets_follow_each_other(fc: Flowcore) -> None:
    seen: list[object] = []
    with collecting_dags() as dags:

        @asset(schedule=None, uri="s3://shop/hats")
        async def hats(self, outlet_events):
            seen.append(self.uri)
            outlet_events[self].extra["rows"] = 3

        @asset(schedule=hats)
        async def report(context, hats):
            [event] = context["triggering_asset_events"][hats]
            seen.append((hats.uri, context["dag_run"].run_type, event.extra))

    for dag in dags:
        fc.register(dag)
    run = await fc.trigger("hats")
    assert await run.wait() is DagRunState.SUCCESS
    await fc.wait_idle()
    assert seen == ["s3://shop/hats", ("s3://shop/hats", "asset_triggered", {"rows": 3})]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": "absent"}, "there is no asset 'absent'; known: orders"),
        ({}, "give the name and the URI"),
        ({"name": "orders", "extra": {"when": object()}}, "make it a JSON object"),
    ],
)
async def test_an_update_that_cannot_be_is_refused(fc: Flowcore, arguments, complaint: str) -> None:
    fc.register(reader([], is_async=True))
    with pytest.raises(UsageError, match=complaint):
        await fc.update_asset(**arguments)
