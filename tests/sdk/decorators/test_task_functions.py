from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG, TaskGroup, XComArg, task


@task
def work(x=None) -> dict[str, int]:
    """Works."""
    return {}


def test_call_makes_a_task_and_returns_its_output():
    with DAG("d") as dag:
        out = work()
    assert isinstance(out, XComArg)
    assert dag.tasks == [out.operator]


def test_further_calls_get_numbers():
    with DAG("d") as dag, TaskGroup("g"):
        work(), work(), work.override(task_id="other")(), work()
    assert list(dag.task_dict) == ["g.work", "g.work__1", "g.other", "g.work__2"]


def test_arguments_of_the_decorator_are_those_of_the_task():
    @task(task_id="named", retries=2, multiple_outputs=False)
    def other() -> dict[str, int]: ...

    with DAG("d"):
        operator = other().operator
    assert (operator.task_id, operator.retries, operator.multiple_outputs) == ("named", 2, False)


def test_override_changes_a_copy():
    strong = work.override(retries=5)
    with DAG("d"):
        assert (strong().operator.retries, work().operator.retries) == (5, 0)


def test_annotated_dict_means_multiple_outputs():
    with DAG("d"):
        assert work().operator.multiple_outputs


def test_output_as_an_argument_makes_a_dependency():
    with DAG("d"):
        first = work()
        second = work({"k": [first["a"]]})
    assert second.operator.upstream_task_ids == {"work"}


def test_function_keeps_its_name_and_docstring_and_stays_callable():
    assert (work.__name__, work.__doc__, work.function(1)) == ("work", "Works.", {})


def test_task_outside_a_dag_can_be_made_alone():
    assert work().operator.dag is None


def test_unknown_argument_is_refused():
    with (
        DAG("d"),
        pytest.raises(DagError, match="task 'work' of Dag 'd' was given an unknown argument 'retry'"),
    ):
        work.override(retry=1)()
