from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, BaseBranchOperator, BranchMixIn, DownstreamTasksSkipped, task


@task
def work():
    pass


class Choice(BaseBranchOperator):
    choice = None

    def choose_branch(self, context):
        return self.choice


class Pushes:
    """The part of `ti` that branches use."""

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


@pytest.fixture
def branch():
    with DAG("d"):
        operator = Choice("branch")
        operator >> [work.override(task_id=name)() for name in "abc"]
    return operator


def execute(branch, choice):
    """What the branch returns, or the ids of what it skips; and what it pushes."""
    branch.choice, ti = choice, Pushes()
    try:
        returned = branch.execute({"task": branch, "ti": ti})
    except DownstreamTasksSkipped as skip:
        return [other.task_id for other in skip.tasks], ti.pushed
    return returned, ti.pushed


@pytest.mark.parametrize(
    ("choice", "skipped", "pushed"),
    [
        ("a", ["b", "c"], {"return_value": "a"}),
        (["a", "b"], ["c"], {"return_value": ["a", "b"]}),
        (None, ["a", "b", "c"], {}),
    ],
)
def test_what_is_not_chosen_is_skipped(branch, choice, skipped, pushed):
    assert execute(branch, choice) == (skipped, pushed)


def test_branch_that_chooses_all_returns_its_choice(branch):
    assert execute(branch, ["a", "b", "c"]) == (["a", "b", "c"], {})


def test_choice_is_not_pushed_when_the_task_says_so(branch):
    branch.do_xcom_push = False
    assert execute(branch, "a")[1] == {}


@pytest.mark.parametrize(
    ("choice", "message"),
    [(3, "branch 'branch' returned 3; return"), (["x"], "chose 'x', and Dag 'd'")],
)
def test_choice_that_makes_no_sense_is_refused(branch, choice, message):
    with pytest.raises(DagError, match=message):
        execute(branch, choice)


def test_branch_may_be_a_base_beside_any_operator(branch):
    assert isinstance(branch, BranchMixIn)
