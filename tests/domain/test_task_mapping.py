from __future__ import annotations

from itertools import chain, product, zip_longest

from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.task_mapping import Length, LengthKind, elements, sources_of

#: How the sequences themselves are put together, whose lengths are told.
TOGETHER = {
    LengthKind.PRODUCT: lambda parts: list(product(*parts)),
    LengthKind.SHORTEST: lambda parts: list(zip(*parts, strict=False)),
    LengthKind.LONGEST: lambda parts: list(zip_longest(*parts)),
    LengthKind.SUM: lambda parts: list(chain(*parts)),
}
PUSHED = {0: [], 1: ["a"], 2: ["a", "b", "c"]}

literals = st.lists(st.none(), max_size=3).map(lambda items: (Length(LengthKind.LITERAL, len(items)), items))
outputs = st.sampled_from(list(PUSHED)).map(
    lambda source: (Length(LengthKind.OUTPUT, source=source), PUSHED[source])
)


def put_together(drawn):
    kind, parts = drawn
    lengths, sequences = zip(*parts, strict=True)
    return Length(kind, parts=lengths), TOGETHER[kind](sequences)


mapped = st.recursive(
    literals | outputs,
    lambda inner: st.tuples(st.sampled_from(list(TOGETHER)), st.lists(inner, min_size=1, max_size=3)).map(
        put_together
    ),
    max_leaves=5,
)


@given(mapped)
def test_there_are_as_many_elements_as_the_sequences_have_together(drawn):
    length, sequence = drawn
    assert elements(length, lambda source: len(PUSHED[source])) == len(sequence)


def test_sources_are_told_however_deep_they_are():
    output = Length(LengthKind.OUTPUT, source=4)
    length = Length(LengthKind.PRODUCT, parts=(Length(LengthKind.SUM, parts=(output,)), output))
    assert list(sources_of(length)) == [4, 4]
