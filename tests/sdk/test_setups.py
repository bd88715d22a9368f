from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, setup, task, teardown


@task
def work():
    pass


@setup
def make():
    pass


@teardown
def drop():
    pass


@pytest.fixture
def dag():
    with DAG("d") as dag:
        yield dag


def named(name):
    return work.override(task_id=name)()


def edges(dag):
    return {f"{before}>{task.task_id}" for task in dag.tasks for before in sorted(task.upstream_task_ids)}


def test_teardown_makes_its_setups(dag):
    named("t").as_teardown(setups=[named("r"), named("s").operator])
    assert [task.task_id for task in dag.tasks if task.is_setup] == ["r", "s"]
    assert edges(dag) == {"r>t", "s>t"}


def test_work_is_put_between_setup_and_teardown(dag):
    with make() >> drop():
        named("a") >> named("b")
        named("c")
    assert edges(dag) == {"make>drop", "make>a", "a>b", "b>drop", "make>c", "c>drop"}


def test_scope_of_an_operator_is_that_of_its_output(dag):
    with drop().operator.as_teardown(setups=named("s")):
        named("a")
    assert edges(dag) == {"s>drop", "s>a", "a>drop"}


def test_scope_is_opened_by_the_setup_as_well(dag):
    first = make()
    first >> drop()
    with first:
        named("a")
    assert edges(dag) == {"make>drop", "make>a", "a>drop"}


def test_setup_alone_opens_a_scope(dag):
    with make():
        named("a")
    assert edges(dag) == {"make>a"}


def test_scopes_lie_in_each_other(dag):
    with make() >> drop():
        with make() >> drop():
            named("a")
        named("b")
    assert edges(dag) == {
        "make>drop", "make>make__1", "make__1>drop__1", "make__1>a", "a>drop__1", "drop__1>drop",
        "make>b", "b>drop",
    }  # fmt: skip


def test_task_that_was_defined_before_can_be_taken_in(dag):
    before = named("before")
    with make() >> drop() as scope:
        scope.add_task(before)
        named("a")
    assert edges(dag) == {"make>drop", "make>before", "before>drop", "make>a", "a>drop"}


def test_work_that_waits_for_others_is_put_into_the_scope_all_the_same(dag):
    outside = named("outside")
    with make() >> drop():
        outside >> named("a")
    assert edges(dag) == {"make>drop", "make>a", "outside>a", "a>drop"}


def test_scope_that_fails_joins_nothing(dag):
    def fail():
        with make() >> drop():
            named("a") >> 1

    with pytest.raises(DagError):
        fail()
    named("b")
    assert edges(dag) == {"make>drop"}


def test_work_opens_no_scope(dag):
    with pytest.raises(DagError, match="task 'a' is neither a setup nor a teardown"), named("a"):
        pass
