from __future__ import annotations

from itertools import chain, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.sdk.mapping.lazy_sequences import EachChanged, OneAfterOther, SideBySide

lists = st.lists(st.integers(), max_size=4)
parts = st.lists(lists, min_size=1, max_size=3)
indexes = st.none() | st.integers(-6, 6)


@st.composite
def views(draw):
    """A lazy sequence, and the list that it has to be like."""
    several = draw(parts)
    return draw(
        st.sampled_from(
            [
                (EachChanged(several[0], str), [*map(str, several[0])]),
                (SideBySide(several), [*zip(*several, strict=False)]),
                (SideBySide(several, ("-",)), [*zip_longest(*several, fillvalue="-")]),
                (OneAfterOther(several), [*chain(*several)]),
            ]
        )
    )


@given(views(), indexes, indexes, st.sampled_from([None, 1, 2, -1]))
def test_a_view_is_like_the_list(view, start, stop, step):
    sequence, expected = view
    assert (len(sequence), list(sequence), sequence) == (len(expected), expected, expected)
    assert sequence[start:stop:step] == expected[start:stop:step]


@given(views(), st.integers(-6, 6))
def test_an_index_is_that_of_the_list(view, index):
    sequence, expected = view
    if -len(expected) <= index < len(expected):
        assert sequence[index] == expected[index]
    else:
        with pytest.raises(IndexError):
            sequence[index]


def test_a_function_is_called_for_what_is_asked_for_only():
    asked = []
    sequence = EachChanged([1, 2, 3], lambda item: asked.append(item) or item)
    assert (sequence[1], asked) == (2, [2])
    assert (repr(sequence), asked) == ("EachChanged([3 items])", [2])
