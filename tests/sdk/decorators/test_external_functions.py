from __future__ import annotations

import sys

import pytest

from flowcore.errors import DagError
from flowcore.providers.standard.external_python import ExternalPythonOperator
from flowcore.sdk import DAG, task
from tests.support.dag_runs import run_task

PYTHON = sys.executable
NOTED = []


def add(a, b=1, ds=None, params=None):
    import os
    import sys

    print("in", sys.executable)
    return {"sum": a + b, "ds": len(ds), "params": params, "env": os.environ.get("TEAM"), "pid": os.getpid()}


def keys(**context):
    return sorted(context)


def leave():
    raise SystemExit(7)


def broken():
    raise ValueError("no")


def unknown():
    return NOTED


def wants(ti):
    return ti


async def coroutine():
    return 1


def dag_of(function, *args, **arguments):
    with DAG("d", params={"p": 1}) as dag:
        task.external_python(task_id="t", python=PYTHON, **arguments)(function)(*args)
    return dag


async def test_function_is_called_in_another_process_of_that_python():
    ended = await run_task(dag_of(add, 2, env_vars={"TEAM": "us"}, multiple_outputs=False))
    assert {key: ended.returned[key] for key in ("sum", "ds", "params", "env")} == {
        "sum": 3,
        "ds": 10,
        "params": {"p": 1},
        "env": "us",
    }


async def test_operator_takes_the_function_as_an_argument():
    with DAG("d") as dag:
        ExternalPythonOperator(task_id="t", python=PYTHON, python_callable=keys, op_kwargs={"mine": 1})
    returned = (await run_task(dag)).returned
    assert {"mine", "ds", "run_id"} <= set(returned)
    assert "ti" not in returned


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (leave, {"skip_on_exit_code": 7}, ("skipped", "exit status 7")),
        (leave, {}, ("failed", "exit status 7")),
        (broken, {}, ("failed", "exit status 1")),
        (unknown, {}, ("failed", "exit status 1")),
    ],
)
async def test_exit_status_says_how_it_ended(function, arguments, expected):
    ended = await run_task(dag_of(function, **arguments))
    assert (str(ended.state), expected[1] in ended.error) == (expected[0], True)


async def test_a_python_that_is_not_there_fails_the_task():
    with DAG("d") as dag:
        task.external_python(task_id="t", python="/nowhere/python")(keys)()
    assert "name a Python that is there" in (await run_task(dag)).error


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (wants, "wants ti of the context"),
        (coroutine, "is a coroutine function"),
        (eval("lambda: 1"), "is not to be had"),
    ],
)
def test_a_function_that_cannot_be_sent_is_refused_while_the_dag_file_is_read(function, message):
    with pytest.raises(DagError, match=message):
        dag_of(function)
