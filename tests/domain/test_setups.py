from __future__ import annotations

import pytest

from flowcore.domain.setups import scope_of_teardown, tasks_under_setup, with_setups_and_teardowns
from tests.domain.test_dags import TEARDOWN, dag_of

SETUP = {"is_setup": True}
#: Setups s and r with teardowns t and q; s has the work a, b and all of r, which has c.
NESTED = dag_of(
    "sa", "ab", "sr", "rc", "rq", "cq", "qt", "bt", "st", "tz",
    s=SETUP, r=SETUP, t=TEARDOWN, q=TEARDOWN,
)  # fmt: skip


def names(dag, positions):
    return "".join(sorted(dag.tasks[position].task_id for position in positions))


def task(dag, name):
    return dag.tasks[dag.position_of[name]]


@pytest.mark.parametrize(("setup", "tasks"), [("s", "abcqr"), ("r", "c")])
def test_setup_concerns_what_lies_before_its_teardown(setup, tasks):
    assert names(NESTED, tasks_under_setup(NESTED, task(NESTED, setup))) == tasks


def test_setup_without_teardown_concerns_all_that_follows():
    dag = dag_of("sa", "ab", "xb", s=SETUP)
    assert names(dag, tasks_under_setup(dag, task(dag, "s"))) == "ab"


@pytest.mark.parametrize(("teardown", "tasks"), [("t", "abcqr"), ("q", "c")])
def test_scope_of_a_teardown_is_what_lies_after_its_setups(teardown, tasks):
    assert names(NESTED, scope_of_teardown(NESTED, task(NESTED, teardown))) == tasks


def test_teardown_without_setups_has_no_scope():
    dag = dag_of("at", t=TEARDOWN)
    assert scope_of_teardown(dag, task(dag, "t")) == frozenset()


@pytest.mark.parametrize(
    ("cleared", "together"), [("a", "ast"), ("c", "cqrst"), ("z", "z"), ("r", "qrst"), ("t", "t")]
)
def test_setups_and_their_teardowns_are_cleared_with_the_work(cleared, together):
    position = NESTED.position_of[cleared]
    assert names(NESTED, with_setups_and_teardowns(NESTED, [position])) == together
