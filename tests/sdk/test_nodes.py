from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, TaskGroup, chain, chain_linear, cross_downstream, task


@task
def work():
    pass


@pytest.fixture
def dag():
    with DAG("d") as dag:
        yield dag


def outputs(*names):
    return [work.override(task_id=name)() for name in names]


def edges(dag):
    return {f"{before}>{task.task_id}" for task in dag.tasks for before in task.upstream_task_ids}


def test_shift_right_makes_the_right_wait_for_the_left(dag):
    a, b, c = outputs("a", "b", "c")
    a >> b >> c
    assert edges(dag) == {"a>b", "b>c"}


def test_shift_left_is_the_other_way_round(dag):
    a, b, c = outputs("a", "b", "c")
    a << b << c
    assert edges(dag) == {"b>a", "c>b"}


def test_lists_stand_on_either_side(dag):
    a, b, c, d = outputs("a", "b", "c", "d")
    [a, b] >> c
    [d] << c
    a >> [d]
    assert edges(dag) == {"a>c", "b>c", "c>d", "a>d"}


def test_operators_and_outputs_are_alike(dag):
    a, b = outputs("a", "b")
    a.operator.set_downstream(b)
    b.set_upstream([a.operator])
    assert edges(dag) == {"a>b"}
    assert a.operator.downstream_task_ids == {"b"}


def test_group_joins_by_its_first_and_last_tasks(dag):
    a, z = outputs("a", "z")
    with TaskGroup("g") as group:
        first, last, _ = outputs("first", "last", "lone")
        first >> last
    a >> group >> z
    assert edges(dag) == {
        "g.first>g.last", "a>g.first", "a>g.lone", "g.last>z", "g.lone>z",
    }  # fmt: skip


def test_chain_joins_lists_pairwise_and_singles_with_all(dag):
    a, b, c, d, e, f = outputs("a", "b", "c", "d", "e", "f")
    chain(a, [b, c], [d, e], f)
    assert edges(dag) == {"a>b", "a>c", "b>d", "c>e", "d>f", "e>f"}


def test_chain_refuses_lists_of_different_lengths(dag):
    a, b, c = outputs("a", "b", "c")
    with pytest.raises(DagError, match="lists of 1 and 2 tasks"):
        chain([a], [b, c])


def test_function_that_was_not_called_is_no_task(dag):
    (a,) = outputs("a")
    with pytest.raises(DagError, match="cannot stand beside >> or <<"):
        a >> work


def test_linear_chain_joins_all_with_all(dag):
    a, b, c, d, e = outputs("a", "b", "c", "d", "e")
    chain_linear(a, [b, c], [d, e])
    assert edges(dag) == {"a>b", "a>c", "b>d", "b>e", "c>d", "c>e"}


@pytest.mark.parametrize("count", [0, 1])
def test_linear_chain_of_nothing_is_refused(dag, count):
    with pytest.raises(DagError, match="chain_linear\\(\\) was given nothing to join"):
        chain_linear(*outputs("a")[:count])


def test_every_task_is_joined_with_every_task(dag):
    a, b, c, d = outputs("a", "b", "c", "d")
    cross_downstream([a, b], [c, d])
    assert edges(dag) == {"a>c", "a>d", "b>c", "b>d"}
