"""How many instances a mapped task has: how many elements there are in what it is mapped over.

What a task is mapped over may be known when the Dag is read, or may be the outputs of other tasks, its
sources; a length is then known once these are over. Sources are named by their positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum

import attrs

#: The map index of what is not mapped, and of a mapped task until it is known how many instances it has.
NOT_MAPPED = -1

#: More instances than this a task cannot have: nobody could look at them, and a database would choke.
INSTANCES_MAX = 100_000


class LengthKind(StrEnum):
    """What a length is the length of."""

    LITERAL = "literal"  # so many elements
    OUTPUT = "output"  # what a task returns; of a mapped one: what its instances return
    PRODUCT = "product"  # each combination of elements of the parts
    SHORTEST = "shortest"  # elements of the parts side by side, as far as all go
    LONGEST = "longest"  # the same as far as any goes
    SUM = "sum"  # the parts one after the other


@attrs.frozen
class Length:
    """The length of a sequence; see `LengthKind`. `number` belongs to a literal, `source` to an output."""

    kind: LengthKind
    number: int = 0
    source: int = 0
    parts: tuple[Length, ...] = ()


_OF_PARTS: Mapping[LengthKind, Callable[[Sequence[int]], int]] = {
    LengthKind.PRODUCT: math.prod,
    LengthKind.SHORTEST: lambda lengths: min(lengths, default=0),
    LengthKind.LONGEST: lambda lengths: max(lengths, default=0),
    LengthKind.SUM: sum,
}


def elements(length: Length, pushed: Callable[[int], int]) -> int:
    """How many elements there are; `pushed` says how many a source has pushed."""
    match length.kind:
        case LengthKind.LITERAL:
            return length.number
        case LengthKind.OUTPUT:
            return pushed(length.source)
        case _:
            return _OF_PARTS[length.kind]([elements(part, pushed) for part in length.parts])


def sources_of(length: Length) -> Iterator[int]:
    """The tasks whose outputs it depends on; one that occurs twice is told twice."""
    if length.kind is LengthKind.OUTPUT:
        yield length.source
    for part in length.parts:
        yield from sources_of(part)
