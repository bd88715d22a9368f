from __future__ import annotations

from collections import namedtuple

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.sdk.references import Lookup
from flowcore.sdk.templates.literals import literal
from flowcore.sdk.templates.values import Renderer, texts_in

Pair = namedtuple("Pair", "left right")

nested = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner)
        | st.builds(Pair, inner, inner)
    ),
)


@attrs.define(eq=False)
class Step:
    command: str
    next: Step | None = None
    note: str = "note"
    template_fields = ("command", "next")


def shouted(value):
    return Renderer(lambda text, _: text.upper(), Lookup({}, {})).value(value, "f")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "A"),
        (["a", ("b", {"c"})], ["A", ("B", {"C"})]),
        ({"key": "a"}, {"key": "A"}),
        (Pair("a", 1), Pair("A", 1)),
        (frozenset("a"), frozenset("A")),
        (b"a", b"a"),
    ],
)
def test_strings_in_containers_are_rendered(value, expected):
    assert shouted(value) == expected
    assert type(shouted(value)) is type(expected)


def test_every_string_is_rendered_with_its_place():
    seen = dict(texts_in({"a": ["x", {"b": Step("y")}]}, "f"))
    assert seen == {"x": "f['a'][0]", "y": "f['a'][1]['b'].command"}


@pytest.mark.slow
@given(nested)
def test_what_is_found_is_what_is_rendered(value):
    rendered: list[tuple[str, str]] = []
    Renderer(lambda *found: rendered.append(found) or found[0], Lookup({}, {})).value(value, "f")
    assert rendered == list(texts_in(value, "f"))


@pytest.mark.slow
@given(nested)
def test_a_value_in_which_nothing_changes_is_not_copied(value):
    assert Renderer(lambda text, _: text, Lookup({}, {})).value(value, "f") is value


def test_objects_say_which_of_their_fields_are_templates():
    step = Step("a")
    new = shouted([step, step])
    assert (new[0].command, new[0].note, step.command) == ("A", "note", "a")
    assert new[0] is new[1]


def test_objects_that_refer_to_each_other_are_rendered_once():
    step = Step("a")
    step.next = Step("b", next=step)
    new = shouted(step)
    assert (new.next.command, new.next.next is new) == ("B", True)
    assert [text for text, _ in texts_in(step, "f")] == ["a", "b"]


def test_a_class_is_no_object_with_fields():
    assert shouted([Step]) == [Step]


def test_literals_are_left_as_they_are():
    assert shouted([literal("a"), literal({"k": ["b"]})]) == ["a", {"k": ["b"]}]
    assert list(texts_in([literal("a")], "f")) == []
