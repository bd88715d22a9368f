from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pendulum
import pytest

from flowcore.domain.states import DagRunState
from flowcore.errors import ParamError
from flowcore.runner.contexts import LATER_KEYS, context_of
from flowcore.sdk import DAG, Context, Param, task
from tests.runner.tries import DATED_RUN, MOMENT, RUN, past_run, ti_of

DATES = {
    *("logical_date", "data_interval_start", "data_interval_end"),
    *("ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
    *("prev_data_interval_start_success", "prev_data_interval_end_success"),
}
#: What `@task` adds when the function is called.
ADDED = {"templates_dict"}
PREVIOUS = past_run("before", data_interval_start=MOMENT, start_date=MOMENT)


@task
def work():
    pass


with DAG("d") as dag:
    operator = work().operator


async def context(run, *, operator=operator, previous=PREVIOUS):
    return context_of(
        ti_of(operator, run=run), operator, previous_success=lambda: previous, count=lambda: 3, consumed=tuple
    )


async def test_run_with_a_logical_date_has_every_key():
    assert set(await context(DATED_RUN)) == set(Context.__annotations__) - ADDED


async def test_run_without_a_logical_date_has_no_date_keys():
    assert set(await context(DATED_RUN)) - set(await context(RUN)) == DATES


async def test_dates_are_spelled_as_airflow_does():
    found = await context(DATED_RUN)
    assert found["logical_date"] == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found["ds"], found["ds_nodash"]) == ("2024-01-02", "20240102")
    assert (found["ts"], found["ts_nodash"]) == ("2024-01-02T03:04:05+00:00", "20240102T030405")
    assert found["ts_nodash_with_tz"] == "20240102T030405+0000"


async def test_times_are_pendulums_where_that_is_installed():
    found = await context(DATED_RUN)
    times = [found["logical_date"], found["data_interval_start"], found["dag_run"].run_after]
    times += [found["prev_start_date_success"], found["prev_data_interval_start_success"]]
    assert {type(time) for time in times} == {pendulum.DateTime}


async def test_context_names_the_try_and_its_surroundings():
    found = await context(DATED_RUN)
    assert (found["dag"], found["task"], found["run_id"]) == (dag, operator, "manual__1")
    assert (found["params"], found["try_number"]) == ({"size": 3}, 1)
    assert found["ti"] is found["task_instance"]


async def test_what_is_not_there_yet_is_empty():
    found = await context(DATED_RUN)
    assert (found["inlets"], found["outlets"], found["triggering_asset_events"]) == ([], [], {})
    assert (found["expanded_ti_count"], found["map_index_template"]) == (None, None)
    assert found["start_date"] == found["ti"].start_date


async def test_the_run_is_told_with_its_state_and_the_values_of_its_enums():
    run = (await context(DATED_RUN))["dag_run"]
    assert (run.run_id, run.state, f"{run.run_type}") == ("manual__1", DagRunState.RUNNING, "manual")


@pytest.mark.parametrize(("run", "last"), [(DATED_RUN, "20240102"), (RUN, "manual__1")])
async def test_the_key_of_a_task_instance_is_airflows(run, last):
    assert (await context(run))["task_instance_key_str"] == f"d__work__{last}"


async def test_what_authors_change_is_each_trys_own():
    run = attrs.evolve(DATED_RUN, conf={"a": 1})
    found = await context(run)
    found["params"]["size"] = found["dag_run"].conf["a"] = 4
    assert (run.params, run.conf) == ({"size": 3}, {"a": 1})


async def test_the_successful_run_before_is_looked_up_when_it_is_asked_for():
    found = await context(DATED_RUN)
    assert found["prev_data_interval_start_success"] == MOMENT
    assert found["prev_end_date_success"] is None
    assert set(LATER_KEYS) <= set(found)


async def test_without_a_run_before_there_is_none():
    found = await context(DATED_RUN, previous=None)
    assert {found[key] for key in LATER_KEYS} == {None}


async def test_params_of_the_task_are_added_and_the_conf_overrides_them():
    with DAG("e"):
        own = work.override(params={"size": 7, "limit": Param(5, maximum=9)})().operator
    assert (await context(DATED_RUN, operator=own))["params"] == {"size": 7, "limit": 5}
    given = attrs.evolve(DATED_RUN, conf={"size": 1}, params={"size": 1})
    assert (await context(given, operator=own))["params"] == {"size": 1, "limit": 5}


async def test_conf_that_breaks_a_param_of_the_task_is_refused():
    with DAG("e"):
        own = work.override(params={"limit": Param(5, maximum=9)})().operator
    with pytest.raises(ParamError, match="'limit' of Dag 'd' is 10"):
        await context(attrs.evolve(DATED_RUN, conf={"limit": 10}), operator=own)
