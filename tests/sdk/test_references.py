from __future__ import annotations

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from flowcore.sdk import DAG, task
from flowcore.sdk.params import DagParam
from flowcore.sdk.references import Lookup, references_in, resolved


class Point(NamedTuple):
    x: object
    y: object


@task
def source():
    return 1


LOOKUP = Lookup({("source", -1, "return_value"): "value"}, {"p": "param"})
PARAM = DagParam("p")

plain = st.recursive(
    st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


def output():
    with DAG("d"):
        return source()


def test_references_are_replaced_wherever_they_are_nested():
    value = [{"k": (output(), {PARAM})}, Point(PARAM, frozenset({PARAM}))]
    assert resolved(value, LOOKUP) == [{"k": ("value", {"param"})}, Point("param", frozenset({"param"}))]


def test_references_are_found_in_order():
    out = output()
    assert list(references_in([out, {"k": PARAM}])) == [out, PARAM]


def test_reference_as_a_key_is_replaced():
    assert resolved({PARAM: 1}, LOOKUP) == {"param": 1}


@given(plain)
def test_values_without_references_are_handed_over_untouched(value):
    assert resolved(value, LOOKUP) is value
