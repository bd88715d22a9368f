from __future__ import annotations

import pytest

from flowcore.sdk import DAG, task
from flowcore.sdk.references import Lookup


@task
def plain(x, ds=None, **rest):
    """Says what it got."""
    return x, ds, rest


@task
async def awaiting(x, ti):
    return x, ti


def test_function_is_called_with_its_arguments_and_context():
    with DAG("d"):
        operator = plain(1, y=2).operator
    assert operator.execute({"ds": "2024-01-01", "run_id": "r"}) == (
        1,
        "2024-01-01",
        {"y": 2, "run_id": "r", "templates_dict": None},
    )


def test_absent_date_leaves_the_default():
    with DAG("d"):
        assert plain(1).operator.execute({}) == (1, None, {"templates_dict": None})


async def test_coroutine_function_is_awaited():
    with DAG("d"):
        assert await awaiting(1).operator.aexecute({"ti": "ti"}) == (1, "ti")


@pytest.mark.parametrize(("function", "is_async"), [(plain, False), (awaiting, True)])
def test_kind_of_function_says_where_it_runs(function, is_async):
    with DAG("d"):
        assert function(1).operator.is_async is is_async


def test_docstring_documents_the_task():
    with DAG("d"):
        assert plain(1).operator.doc_md == "Says what it got."


def test_only_replaced_references_need_a_copy():
    with DAG("d"):
        first = plain(1).operator
        second = plain([first.output]).operator
    lookup = Lookup({("plain", -1, "return_value"): 5}, {})
    assert first.for_one_try(lookup) is first
    assert second.for_one_try(lookup).op_args == ([5],)
