from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, BaseOperator, task
from flowcore.sdk.relatives import reached_from


@task
def work():
    pass


@pytest.fixture
def diamond():
    with DAG("d") as dag:
        d, c, b, a = (work.override(task_id=name)() for name in "dcba")
        a >> [b, c] >> d
    return dag


def ids(tasks):
    return "".join(task.task_id for task in tasks)


def test_neighbours_come_in_dag_order(diamond):
    a, d = diamond.get_task("a"), diamond.get_task("d")
    assert (ids(a.downstream_list), ids(d.upstream_list), ids(a.upstream_list)) == ("cb", "cb", "")
    assert (ids(a.get_direct_relatives()), ids(d.get_direct_relatives(upstream=True))) == ("cb", "cb")


def test_relatives_are_all_that_is_reached(diamond):
    a, d = diamond.get_task("a"), diamond.get_task("d")
    assert (ids(a.get_flat_relatives()), ids(d.get_flat_relatives(upstream=True))) == ("dcb", "cba")
    assert reached_from(d) == set()


def test_task_without_a_dag_has_no_relatives():
    with pytest.raises(DagError, match="task 'a' is outside a Dag; define it inside"):
        BaseOperator("a").downstream_list
