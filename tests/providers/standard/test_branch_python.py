from __future__ import annotations

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.providers.standard.branch_python import BranchPythonOperator
from flowcore.sdk import DAG, task


def choose(wanted, ti=None):
    return wanted


async def achoose(wanted, ti=None):
    return wanted


@pytest.mark.parametrize("function", [choose, achoose])
async def test_function_chooses_what_runs(function):
    with DAG("d") as dag:
        branch = BranchPythonOperator(task_id="branch", python_callable=function, op_args=["a"])
        branch >> [task(list, task_id=name)() for name in "ab"]
    ended = (await arun_to_end(dag)).tasks
    assert {name: str(one.state) for name, one in ended.items()} == {
        "branch": "success", "a": "success", "b": "skipped",
    }  # fmt: skip
    assert ended["branch"].returned == "a"
