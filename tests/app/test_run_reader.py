from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore import Flowcore
from flowcore.domain.states import DagRunState
from flowcore.errors import UsageError
from flowcore.sdk import DAG, Asset, asset, task
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


async def test_functions_of_assets_follow_each_other(fc: Flowcore) -> None:
    seen: list[object] = []
    with collecting_dags() as dags:

        @asset(schedule=None, uri="s3://shop/hats")
        async def hats(self):
            seen.append(self.uri)

        @asset(schedule=hats)
        async def report(context, hats):
            seen.append((hats.uri, context["dag_run"].run_type))

    for dag in dags:
        fc.register(dag)
    run = await fc.trigger("hats")
    assert await run.wait() is DagRunState.SUCCESS
    await fc.wait_idle()
    assert seen == ["s3://shop/hats", ("s3://shop/hats", "asset_triggered")]


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
