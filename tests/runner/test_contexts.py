from __future__ import annotations

from datetime import UTC, datetime

from flowcore.runner.contexts import context_of
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk import DAG, Context, task
from tests.runner.tries import DATED_RUN, RUN, XComs, comms_of, workload_of

DATES = {
    *("logical_date", "data_interval_start", "data_interval_end"),
    *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
}
#: What `@task` adds when the function is called.
LATER = {"templates_dict"}


@task
def work():
    pass


with DAG("d") as dag:
    operator = work().operator


async def context(run):
    ti = RunningTaskInstance(workload_of("work", run=run), comms_of(XComs()), pushed={})
    return context_of(ti, operator)


async def test_run_with_a_logical_date_has_every_key():
    assert set(await context(DATED_RUN)) == set(Context.__annotations__) - LATER


async def test_run_without_a_logical_date_has_no_date_keys():
    assert set(await context(DATED_RUN)) - set(await context(RUN)) == DATES


async def test_dates_are_spelled_as_airflow_does():
    found = await context(DATED_RUN)
    assert found["logical_date"] == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found["ds"], found["ds_nodash"]) == ("2024-01-02", "20240102")
    assert (found["ts"], found["ts_nodash"]) == ("2024-01-02T03:04:05+00:00", "20240102T030405")
    assert found["ts_nodash_with_tz"] == "20240102T030405+0000"


async def test_context_names_the_try_and_its_surroundings():
    found = await context(DATED_RUN)
    assert (found["dag"], found["task"], found["run_id"]) == (dag, operator, "manual__1")
    assert (found["params"], found["try_number"]) == ({"size": 3}, 1)
    assert found["ti"] is found["task_instance"]


async def test_params_are_each_trys_own():
    (await context(DATED_RUN))["params"]["size"] = 4
    assert DATED_RUN.params == {"size": 3}
