from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import DAG
from flowcore.sdk.dag_arguments import DAG_RULES, DagArguments


def test_every_argument_has_a_rule_and_becomes_an_attribute():
    assert set(DAG_RULES) == set(DagArguments.__annotations__)
    assert [name for name in DAG_RULES if not hasattr(DAG("d"), name)] == []


def test_tags_are_sorted_and_counted_once():
    assert DAG("d", tags=["b", "a", "b"]).tags == ("a", "b")


@pytest.mark.parametrize("tags", ["abc", [""], ["x" * 101], [1]])
def test_bad_tags_are_refused(tags):
    with pytest.raises(DagError, match=r"Dag 'd' has tags=.*; give a list of strings"):
        DAG("d", tags=tags)


def test_owners_have_links():
    links = {"data": "https://example.org/data", "ops": "mailto:ops@example.org"}
    assert DAG("d", owner_links=links).compile().owner_links == links


@pytest.mark.parametrize("link", ["example.org", "mailto:nobody", "https://", 1])
def test_bad_owner_links_are_refused(link):
    with pytest.raises(DagError, match=r"Dag 'd' has owner_links=.*; give a dict of https:// or mailto:"):
        DAG("d", owner_links={"data": link})


@pytest.mark.parametrize("argument", ["on_success_callback", "on_failure_callback"])
@pytest.mark.parametrize("wrong", ["tell", [print, "tell"], 1])
def test_callbacks_that_cannot_be_called_are_refused(argument, wrong):
    with pytest.raises(DagError, match=rf"Dag 'd' has {argument}=.*; give a function of the context"):
        DAG("d", **{argument: wrong})


def test_a_compiled_dag_knows_which_callbacks_it_has():
    compiled = DAG("d", on_failure_callback=[print, print]).compile()
    assert (compiled.has_success_callbacks, compiled.has_failure_callbacks) == (False, True)
