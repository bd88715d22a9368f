from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.errors import DagError
from flowcore.sdk.ids import check_group_id, check_id, unique_id


@pytest.mark.parametrize("good", ["a", "load_2.part-1", "größe", "x" * 250])
def test_ids_are_letters_digits_and_a_few_signs(good):
    check_id("a task_id", good)


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "x" * 251, "a\n", 7, None])
def test_other_ids_are_refused(bad):
    with pytest.raises(DagError, match="cannot be a task_id; use 1 to 250 letters"):
        check_id("a task_id", bad)


@pytest.mark.parametrize("bad", ["a.b", "x" * 201, ""])
def test_group_ids_are_stricter(bad):
    with pytest.raises(DagError, match="cannot be a group_id"):
        check_group_id(bad)


@pytest.mark.parametrize(
    ("wanted", "taken", "expected"),
    [
        ("a", set(), "a"),
        ("a", {"a"}, "a__1"),
        ("a", {"a", "a__1"}, "a__2"),
        ("a__1", {"a__1"}, "a__2"),
        ("g.a", {"g.a"}, "g.a__1"),
    ],
)
def test_taken_id_gets_the_next_number(wanted, taken, expected):
    assert unique_id(wanted, taken) == expected


@given(st.sampled_from(["a", "b", "a__1"]), st.sets(st.sampled_from(["a", "a__1", "a__2", "b", "b__7"])))
def test_unique_ids_are_never_taken(wanted, taken):
    assert unique_id(wanted, taken) not in taken
