from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import dag, task


@task
def work(x=None):
    pass


@dag
def plain():
    """Does little."""
    work()


@dag("named", schedule="@daily", tags=["t"])
def with_params(size=3, *, mode="fast"):
    work({"size": size})


def test_call_makes_the_dag_that_the_function_defines():
    made = plain()
    assert (made.dag_id, list(made.task_dict), made.doc_md) == ("plain", ["work"], "Does little.")


def test_arguments_are_those_of_the_dag():
    made = with_params()
    assert (made.dag_id, made.schedule, made.tags) == ("named", "@daily", ("t",))


def test_parameters_become_params():
    defaults = {name: param.default for name, param in with_params(5).params.items()}
    assert defaults == {"size": 5, "mode": "fast"}


def test_parameter_stands_for_its_value_in_a_run():
    assert [reference.name for reference in with_params().get_task("work").references] == ["size"]


def test_each_call_makes_a_dag():
    assert plain() is not plain()


def test_wrong_call_is_refused():
    with pytest.raises(DagError, match=r"@dag function 'with_params': .*its signature is"):
        with_params(shape=1)
