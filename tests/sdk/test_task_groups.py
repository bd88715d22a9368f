from __future__ import annotations

import pytest

from flowcore.errors import DagError, DuplicateTaskId
from flowcore.sdk import DAG, TaskGroup, task


@task
def work():
    pass


def test_ids_are_prefixed_by_all_groups_around():
    with DAG("d") as dag, TaskGroup("g"), TaskGroup("h"):
        work()
    assert list(dag.task_dict) == ["g.h.work"]


def test_group_without_prefix_leaves_ids_alone():
    with DAG("d") as dag, TaskGroup("g", prefix_group_id=False):
        work()
    assert list(dag.task_dict) == ["work"]


def test_group_knows_its_tasks_and_those_of_inner_groups():
    with DAG("d"), TaskGroup("g") as group:
        first = work().operator
        with TaskGroup("h"):
            second = work().operator
        third = work().operator
    assert list(group.tasks()) == [first, second, third]


def test_default_args_are_handed_down():
    dag = DAG("d", default_args={"pool": "p", "queue": "q"})
    with dag, TaskGroup("g", default_args={"pool": "own"}), TaskGroup("h"):
        operator = work().operator
    assert (operator.pool, operator.queue) == ("own", "q")


def test_taken_id_is_refused():
    with DAG("d"):
        work()
        with pytest.raises(DuplicateTaskId):
            TaskGroup("work")


def test_taken_id_can_get_a_number():
    with DAG("d"):
        TaskGroup("g")
        assert TaskGroup("g", add_suffix_on_collision=True).group_id == "g__1"


def test_group_goes_where_it_is_told():
    with DAG("d") as dag:
        outer = TaskGroup("outer")
        inner = TaskGroup("inner", parent_group=outer)
    assert (inner.group_id, outer.members, inner.dag) == ("outer.inner", [inner], dag)
    assert TaskGroup("late", dag=dag).group_id == "late"


def test_group_outside_a_dag_is_refused():
    with pytest.raises(DagError, match="TaskGroup 'g' is outside a Dag; put it inside"):
        TaskGroup("g")
