from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, setup, task, task_group, teardown


def plain():
    pass


@task(retries=2)
def work():
    pass


@task_group
def group():
    work()


@pytest.mark.parametrize("function", [plain, work])
def test_setup_is_made_of_a_function_or_a_task(function):
    with DAG("d"):
        operator = setup(function)().operator
    assert (operator.is_setup, operator.is_teardown) == (True, False)


@pytest.mark.parametrize("function", [plain, work])
def test_teardown_is_made_of_a_function_or_a_task(function):
    with DAG("d"):
        operator = teardown(function)().operator
    assert (operator.is_teardown, operator.on_failure_fail_dagrun) == (True, False)
    assert operator.trigger_rule == "all_done_setup_success"


def test_teardown_can_fail_the_run():
    with DAG("d"):
        assert teardown(on_failure_fail_dagrun=True)(plain)().operator.on_failure_fail_dagrun


def test_marks_and_arguments_survive_an_override():
    with DAG("d"):
        operator = setup(work).override(task_id="x")().operator
    assert (operator.task_id, operator.is_setup, operator.retries) == ("x", True, 2)


def test_teardown_has_no_trigger_rule_of_ones_own():
    with pytest.raises(DagError, match="teardown 'plain' has a trigger_rule"):
        teardown(task(trigger_rule="always")(plain))


@pytest.mark.parametrize("decorator", [setup, teardown])
def test_group_is_refused(decorator):
    with pytest.raises(DagError, match="use it on a function or a @task"):
        decorator(group)
