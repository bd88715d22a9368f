from __future__ import annotations

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
