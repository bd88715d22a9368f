from __future__ import annotations

import pytest

from flowcore.providers.standard.python_sensor import PythonSensor
from flowcore.sdk import DAG, PokeReturnValue
from tests.support.dag_runs import run_task


def look(wanted, run_id=None):
    return PokeReturnValue(True, [wanted, run_id is not None])


async def alook(wanted, run_id=None):
    return look(wanted, run_id)


@pytest.mark.parametrize("function", [look, alook])
async def test_function_is_called_with_its_arguments_and_the_context(function):
    with DAG("d") as dag:
        PythonSensor("wait", python_callable=function, op_args=["{{ dag.dag_id }}"])
    assert (await run_task(dag)).returned == ["d", True]


async def test_whatever_is_true_ends_the_wait():
    with DAG("d") as dag:
        PythonSensor("wait", python_callable=lambda: [1])
    assert (await run_task(dag)).state == "success"


async def test_coroutine_that_takes_the_rest_of_the_context_asks_for_nothing():
    async def all_of_it(**context):
        return context["dag"].dag_id == "d" and "prev_start_date_success" in context

    with DAG("d") as dag:
        PythonSensor("wait", python_callable=all_of_it)
    assert (await run_task(dag)).state == "success"


async def test_coroutine_may_name_what_has_to_be_looked_up():
    async def named(prev_start_date_success):
        return prev_start_date_success is None

    with DAG("d") as dag:
        PythonSensor("wait", python_callable=named)
    assert (await run_task(dag)).state == "success"
