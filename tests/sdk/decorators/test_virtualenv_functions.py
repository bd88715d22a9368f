from __future__ import annotations

import sys

import pytest

from flowcore.errors import DagError
from flowcore.providers.standard.python_virtualenv import PythonVirtualenvOperator
from flowcore.sdk import DAG, task
from tests.support.dag_runs import run_task


def where(word, run_id=None):
    import sys

    return [word, virtualenv_string_args, sys.prefix != sys.base_prefix, run_id is not None]  # noqa: F821


class Sync(PythonVirtualenvOperator):
    """What a subclass for Airflow looks like: a function."""

    def execute(self, context):
        return super().execute(context)


@pytest.mark.slow
async def test_function_is_called_in_an_environment_that_is_kept(tmp_path):
    for decorated in (True, False):
        with DAG("d") as dag:
            arguments = {"venv_cache_path": str(tmp_path), "string_args": ["{{ 1 + 1 }}"]}
            if decorated:
                task.virtualenv(task_id="t", **arguments)(where)("{{ ds | length }}")
            else:
                Sync("t", python_callable=where, op_args=["10"], **arguments)
        assert (await run_task(dag)).returned == ["10", ["2"], True, True]
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def made_of(**arguments):
    with DAG("d"):
        return PythonVirtualenvOperator("t", python_callable=where, op_args=[1], **arguments).virtualenv


@pytest.mark.parametrize(
    ("arguments", "requirements"),
    [
        ({}, ()),
        ({"requirements": ["a==1", "b"]}, ("a==1", "b")),
        ({"requirements": "a==1  # why\n\n# nothing\nb\n"}, ("a==1", "b")),
        ({"requirements": ["a"], "serializer": "dill"}, ("a", "dill")),
    ],
)
def test_requirements_are_a_list_or_the_text_of_a_file(arguments, requirements):
    assert made_of(**arguments).requirements == requirements


def test_arguments_say_what_is_in_the_environment():
    virtualenv = made_of(python_version=3.12, index_urls="https://a", system_site_packages=False)
    assert (virtualenv.python_version, virtualenv.index_urls) == ("3.12", ("https://a",))
    assert virtualenv.system_site_packages is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"python_version": "python3"}, "give one like '3.12'"),
        ({"serializer": "json"}, "use pickle, cloudpickle"),
    ],
)
def test_what_cannot_be_used_is_told_when_the_file_is_read(arguments, message):
    with pytest.raises(DagError, match=message):
        made_of(**arguments)


async def test_a_serializer_that_is_not_installed_is_named():
    with DAG("d") as dag:
        external = task.external_python(task_id="t", python=sys.executable, serializer="dill")
        external(where)(1)
    assert "`pip install dill`" in (await run_task(dag)).error
