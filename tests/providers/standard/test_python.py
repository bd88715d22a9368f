from __future__ import annotations

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.errors import DagError
from flowcore.providers.standard.empty import EmptyOperator
from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk import DAG
from tests.support.dag_runs import run_task


def add(one, *, other, run_id=None):
    return [one + other, run_id is not None]


async def add_async(one, *, other, run_id=None):
    return add(one, other=other, run_id=run_id)


@pytest.mark.parametrize("function", [add, add_async])
async def test_function_is_called_with_its_arguments_and_the_context(function):
    with DAG("d") as dag:
        PythonOperator(task_id="t", python_callable=function, op_args=[1], op_kwargs={"other": 2})
    assert (await run_task(dag)).returned == [3, True]


def test_what_cannot_be_called_is_refused():
    with DAG("d"), pytest.raises(DagError, match="python_callable=3; give a function"):
        PythonOperator(task_id="t", python_callable=3)


async def test_empty_operator_joins():
    with DAG("d") as dag:
        join = EmptyOperator(task_id="join")
        [EmptyOperator(task_id="a"), EmptyOperator(task_id="b")] >> join
    ended = await arun_to_end(dag)
    assert (ended.state, ended.tasks["join"].state) == ("success", "success")
