from __future__ import annotations

import pytest

from flowcore.sdk import DAG, XComNotFound, task
from flowcore.sdk.references import Lookup


@task
def source():
    return 1


@pytest.fixture
def out():
    with DAG("d"):
        return source()


def test_output_resolves_to_what_was_returned(out):
    assert out.resolve(Lookup({("source", -1, "return_value"): 5}, {})) == 5


def test_output_of_a_task_that_returned_nothing_is_none(out):
    assert out.resolve(Lookup({}, {})) is None


def test_key_resolves_to_what_was_pushed_under_it(out):
    assert out["k"].resolve(Lookup({("source", -1, "k"): 5}, {})) == 5


def test_missing_key_is_an_error_with_a_remedy(out):
    with pytest.raises(XComNotFound, match=r"task 'source' pushed no XCom 'k'; push it with"):
        out["k"].resolve(Lookup({}, {}))


def test_output_cannot_be_iterated_over_while_the_file_is_read(out):
    with pytest.raises(TypeError, match="not known while the Dag file is read"):
        list(out)


def test_list_items_cannot_be_taken_apart_while_the_file_is_read(out):
    with pytest.raises(TypeError, match="keys that are strings, not 0"):
        out[0]
