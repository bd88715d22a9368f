from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, TaskGroup, task, task_group


@task
def work(x=None):
    pass


@task_group
def plain():
    """Does little."""
    work()


@task_group(group_id="named", prefix_group_id=False, default_args={"retries": 3})
def with_output(x):
    return work(x)


def test_call_makes_a_group_and_returns_it():
    with DAG("d") as dag:
        group = plain()
    assert isinstance(group, TaskGroup)
    assert (group.group_id, group.tooltip, list(dag.task_dict)) == ("plain", "Does little.", ["plain.work"])


def test_call_returns_what_the_function_returns():
    with DAG("d"):
        out = with_output(work())
    assert (out.operator.task_id, out.operator.retries) == ("work__1", 3)
    assert out.operator.upstream_task_ids == {"work"}


def test_further_calls_get_numbers():
    with DAG("d") as dag:
        plain(), plain()
    assert list(dag.task_dict) == ["plain.work", "plain__1.work"]


def test_override_makes_another_group():
    with DAG("d") as dag:
        plain.override(group_id="other", tooltip="Other.")()
    assert list(dag.task_dict) == ["other.work"]
    assert dag.task_group["other"].tooltip == "Other."


def test_id_may_stand_alone():
    with DAG("d") as dag:
        task_group("short")(lambda: work())()
    assert list(dag.task_dict) == ["short.work"]


def test_only_functions_make_groups():
    with pytest.raises(DagError, match="@task_group was given 1"):
        task_group(1)
