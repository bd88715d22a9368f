from __future__ import annotations

import pytest

from flowcore.sdk import DAG, EdgeModifier, Label, TaskGroup, chain, task


@task
def work():
    pass


@pytest.fixture
def dag():
    with DAG("d") as dag:
        yield dag


def outputs(*names):
    return [work.override(task_id=name)() for name in names]


def test_label_stands_in_the_direction_of_the_arrow(dag):
    a, b, c = outputs("a", "b", "c")
    a >> Label("right") >> b
    c << Label("left") << b
    assert dag.edge_labels == {("a", "b"): "right", ("b", "c"): "left"}
    assert (b.operator.upstream_task_ids, c.operator.upstream_task_ids) == ({"a"}, {"b"})


def test_label_is_on_every_arrow_between_lists_and_groups(dag):
    a, b = outputs("a", "b")
    with TaskGroup("g") as group:
        outputs("c", "d")
    [a, b] >> Label("x") >> group
    assert dag.edge_labels == dict.fromkeys([(u, f"g.{d}") for u in "ab" for d in "cd"], "x")


def test_labels_stand_in_chains(dag):
    a, b, c = outputs("a", "b", "c")
    chain(a, Label("x"), [b, c])
    assert dag.edge_labels == {("a", "b"): "x", ("a", "c"): "x"}
    assert c.operator.upstream_task_ids == {"a"}


def test_label_by_the_name_of_its_class():
    assert isinstance(Label("x"), EdgeModifier)
    assert repr(Label("x")) == "Label('x')"
