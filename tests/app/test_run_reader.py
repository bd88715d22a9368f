from __future__ import annotations

from datetime import UTC, datetime

from flowcore import Flowcore
from flowcore.sdk import DAG, task

FIRST, SECOND = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)


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
