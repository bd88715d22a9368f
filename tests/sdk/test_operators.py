from __future__ import annotations

from datetime import timedelta

import pytest

from flowcore.errors import DagError, DuplicateTaskId
from flowcore.sdk import DAG, BaseOperator, TaskGroup, TriggerRule
from flowcore.sdk.references import Lookup


class Copy(BaseOperator):
    def __init__(self, source=None, *, suffix="", **arguments):
        super().__init__(**arguments)
        self.source, self.suffix = source, suffix

    def execute(self, context):
        return self.source


class CopyTwice(Copy):
    def __init__(self, **arguments):
        super().__init__(suffix="twice", **arguments)


class Awaiting(Copy):
    async def aexecute(self, context):
        return self.source


class AwaitingInExecute(Copy):
    async def execute(self, context):
        return self.source


def test_arguments_are_kept_as_attributes():
    task = Copy(task_id="a", retry_delay=60, trigger_rule="all_done")
    assert (task.retry_delay, task.trigger_rule) == (timedelta(seconds=60), TriggerRule.ALL_DONE)


def test_default_args_fill_what_is_not_given():
    with DAG("d", default_args={"retries": 3, "pool": "p", "source": 7, "unknown to all": 1}):
        task = Copy(task_id="a", pool="own")
    assert (task.retries, task.pool, task.source) == (3, "own", 7)


def test_inner_default_args_are_stronger():
    dag = DAG("d", default_args={"retries": 1, "queue": "dag", "pool": "dag"})
    with dag, TaskGroup("g", default_args={"queue": "group", "pool": "group"}):
        task = Copy(task_id="a", default_args={"pool": "task"})
    assert (task.retries, task.queue, task.pool) == (1, "group", "task")


def test_default_args_do_not_contradict_what_a_subclass_fixes():
    with DAG("d", default_args={"suffix": "once", "source": 7}):
        task = CopyTwice(task_id="a")
    assert (task.suffix, task.source) == ("twice", 7)


def test_class_attributes_are_defaults():
    class Patient(Copy):
        retries = 9

    assert (Patient(task_id="a").retries, Patient(task_id="b", retries=1).retries) == (9, 1)


def test_attribute_with_an_output_makes_a_dependency():
    with DAG("d"):
        first = Copy(task_id="first")
        second = Copy({"k": [first.output]}, task_id="second")
    assert second.upstream_task_ids == {"first"}


def test_a_try_works_on_a_copy_with_values():
    with DAG("d"):
        first = Copy(task_id="first")
        second = Copy([first.output], task_id="second")
    copied = second.for_one_try(Lookup({("first", -1, "return_value"): 5}, {}))
    assert copied.source == [5]
    assert second.source[0].operator is first


@pytest.mark.parametrize(
    ("kind", "is_async"), [(Copy, False), (CopyTwice, False), (Awaiting, True), (AwaitingInExecute, True)]
)
def test_class_says_whether_its_tries_run_on_the_loop(kind, is_async):
    assert kind(task_id="a").is_async is is_async


def test_nearest_class_decides_where_tries_run():
    class Blocking(Awaiting):
        def execute(self, context):
            return 1

    assert not Blocking(task_id="a").is_async


def test_second_task_of_an_id_is_refused_where_it_is_defined():
    with DAG("d"):
        Copy(task_id="a")
        with pytest.raises(DuplicateTaskId, match="Dag 'd' has two tasks called 'a'"):
            Copy(task_id="a")


def test_task_given_a_dag_belongs_to_it():
    dag, other = DAG("d"), DAG("other")
    with other:
        task = Copy(task_id="a", dag=dag)
    assert (dag.tasks, other.tasks, task.dag) == ([task], [], dag)


def test_task_without_dag_gets_that_of_its_neighbour():
    with DAG("d") as dag:
        inside = Copy(task_id="inside")
    outside = Copy(task_id="outside")
    outside >> inside
    assert outside.dag is dag
    assert dag.get_task("outside") is outside


def test_tasks_without_any_dag_cannot_be_joined():
    with pytest.raises(DagError, match="'a' and 'b' are outside a Dag"):
        Copy(task_id="b") >> Copy(task_id="a")


def test_tasks_of_two_dags_cannot_be_joined():
    with pytest.raises(DagError, match="task 'b' of Dag 'two' cannot depend on task 'a' of Dag 'one'"):
        Copy(task_id="a", dag=DAG("one")) >> Copy(task_id="b", dag=DAG("two"))


def test_bad_argument_names_dag_and_task():
    with DAG("d"), pytest.raises(DagError, match="task 'a' of Dag 'd' has retries=-1; give a whole number"):
        Copy(task_id="a", retries=-1)
