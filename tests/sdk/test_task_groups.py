from __future__ import annotations

import pytest

from flowcore.errors import DagError, DuplicateTaskId, TaskNotFound
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


def test_members_are_found_by_what_their_author_calls_them():
    with DAG("d"), TaskGroup("g") as group:
        operator = work().operator
        with TaskGroup("h") as inner:
            deep = work().operator
    assert group["work"] is operator
    assert group.get_child_by_label("h") is inner
    assert list(group.children) == ["g.work", "g.h"]
    assert group.has_task(deep)
    assert (deep.task_group, inner.parent_group) == (inner, group)
    with pytest.raises(TaskNotFound, match=r"g\.absent"):
        group["absent"]


@pytest.mark.parametrize(
    ("edges", "leaves"),
    [
        (["s>w", "w>t", "s>t"], "w"),
        (["s>v", "v>w", "w>t", "s>t", "w>u", "t>u"], "w"),
        (["s>t"], ""),
        (["w>t", "w>v"], "v"),
    ],
)
def test_what_comes_after_a_group_waits_for_the_work_and_not_for_teardowns(edges, leaves):
    with DAG("d"), TaskGroup("g", prefix_group_id=False) as group:
        tasks = {name: work.override(task_id=name)() for name in sorted({*"".join(edges)} - {">"})}
        for edge in edges:
            tasks[edge[0]] >> tasks[edge[2]]
        for name in "tu":
            if name in tasks:
                tasks[name].as_teardown()
        if "s" in tasks:
            tasks["s"].as_setup()
    assert "".join(task.task_id for task in group.leaves) == leaves
