from __future__ import annotations

import pytest

from flowcore.errors import DagCycle, DagError
from flowcore.sdk import DAG, BaseOperator, Param, TaskGroup, task


@task
def work():
    pass


def named(name, **arguments):
    return work.override(task_id=name, **arguments)()


def test_cycle_is_named_in_order():
    with DAG("d") as dag:
        a, b, c, d = named("a"), named("b"), named("c"), named("d")
        d >> a >> b >> c >> a
    with pytest.raises(DagCycle, match=r"Dag 'd' has a cycle: (\w → )+\w; remove") as caught:
        dag.compile()
    assert sorted(caught.value.cycle) == ["a", "b", "c"]


def test_cycle_through_groups_is_found():
    with DAG("d") as dag:
        outside = named("outside")
        with TaskGroup("g") as group:
            named("a") >> named("b")
        group >> outside >> group
    with pytest.raises(DagCycle):
        dag.compile()


def test_task_cannot_wait_for_itself():
    with DAG("d") as dag:
        a = named("a")
        a >> a
    with pytest.raises(DagCycle, match="a → a"):
        dag.compile()


def test_catchup_needs_a_start_date():
    with pytest.raises(DagError, match="Dag 'd' has catchup=True and a schedule, but no start_date"):
        DAG("d", schedule="@daily", catchup=True).compile()


def test_scheduled_dag_needs_defaults_for_its_params():
    with pytest.raises(DagError, match="its params p have no default"):
        DAG("d", schedule="@daily", params={"p": Param(type="string")}).compile()


def test_operator_without_work_is_refused():
    with DAG("d") as dag:
        BaseOperator("idle")
    with pytest.raises(DagError, match="task 'idle' of Dag 'd' has nothing to do: define execute"):
        dag.compile()


def test_task_right_after_a_setup_needs_its_success():
    with DAG("d") as dag:
        named("s").as_setup() >> named("a", trigger_rule="all_done")
    with pytest.raises(DagError, match="task 'a' of Dag 'd' follows setup 's' and has trigger_rule"):
        dag.compile()


def test_teardown_right_after_a_setup_has_a_rule_of_its_own():
    with DAG("d") as dag:
        named("s").as_setup() >> named("t").as_teardown()
    assert dag.compile().tasks[1].trigger_rule == "all_done_setup_success"


def test_setup_cannot_be_a_teardown():
    with DAG("d") as dag:
        named("a").as_setup().as_teardown()
    with pytest.raises(DagError, match="task 'a' of Dag 'd' is a setup and a teardown; make it one"):
        dag.compile()


def test_function_in_a_worker_is_refused():
    with DAG("d") as dag:
        named("a", runs_in="worker")
    with pytest.raises(DagError, match="would block the event loop of all others; make it a coroutine"):
        dag.compile()


def test_rules_of_a_dag_that_fails_fast_leave_no_choice():
    with DAG("d", fail_fast=True) as dag:
        named("s") >> named("t").as_teardown()
    assert dag.compile().fail_fast
    with dag:
        named("a", trigger_rule="all_done")
    with pytest.raises(DagError, match="Dag 'd' is fail_fast, and its task 'a' has trigger_rule='all_done'"):
        dag.compile()
