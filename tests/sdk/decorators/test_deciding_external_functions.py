from __future__ import annotations

import sys

import pytest

from flowcore.app.dag_tests import arun_to_end
from flowcore.domain.skips import SkipReach
from flowcore.providers.standard.branch_external_python import BranchExternalPythonOperator
from flowcore.providers.standard.branch_virtualenv import BranchPythonVirtualenvOperator
from flowcore.providers.standard.empty import EmptyOperator
from flowcore.sdk import DAG, task


def choose():
    return "left"


def decorated():
    return task.branch_external_python(python=sys.executable)(choose)().operator


def operator():
    return BranchExternalPythonOperator("choose", python=sys.executable, python_callable=choose)


@pytest.mark.parametrize("branch", [decorated, operator])
async def test_only_what_was_chosen_elsewhere_runs(branch):
    with DAG("d") as dag:
        branch() >> [EmptyOperator("left"), EmptyOperator("right")]
    ended = await arun_to_end(dag)
    assert {name: str(one.state) for name, one in ended.tasks.items()} == {
        "choose": "success",
        "left": "success",
        "right": "skipped",
    }


def test_branches_in_virtual_environments_are_branches():
    with DAG("d") as dag:
        task.branch_virtualenv(choose)()
        BranchPythonVirtualenvOperator("second", python_callable=choose)
    tasks = dag.compile().tasks
    assert [one.may_skip for one in tasks] == [SkipReach.DIRECT] * 2
    assert [one.operator for one in tasks] == ["@task.branch_virtualenv", "BranchPythonVirtualenvOperator"]
