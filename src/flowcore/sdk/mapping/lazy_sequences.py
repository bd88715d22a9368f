"""Sequences whose items are found or made when somebody asks for them.

They behave like lists that cannot be changed; a slice is a list, and an XCom that one is pushed as holds a
list, too.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, overload


class LazySequence(Sequence[Any]):
    """Base: a subclass says how many items there are, and what is at an index that exists."""

    @abstractmethod
    def item(self, index: int) -> Any:
        """The item at an index from 0 to the length."""

    @overload
    def __getitem__(self, index: int) -> Any: ...

    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self.item(number) for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if number < 0 or not self._has(number):
            raise IndexError(f"index {index} is out of range")
        return self.item(number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{len(self)} items])"

    def _has(self, number: int) -> bool:
        return number < len(self)


class EachChanged(LazySequence):
    """What a function makes of each item."""

    def __init__(self, items: Sequence[Any], function: Callable[[Any], Any]) -> None:
        self._items, self._function = items, function

    def __len__(self) -> int:
        return len(self._items)

    def item(self, index: int) -> Any:
        return self._function(self._items[index])


class SideBySide(LazySequence):
    """Tuples of the items at the same index; as far as all go, or as any goes if there is a `fill`."""

    def __init__(self, parts: Sequence[Sequence[Any]], fill: tuple[Any, ...] = ()) -> None:
        self._parts, self._fill = parts, fill

    def __len__(self) -> int:
        return (max if self._fill else min)(len(part) for part in self._parts)

    def item(self, index: int) -> Any:
        return tuple(part[index] if index < len(part) else self._fill[0] for part in self._parts)


class OneAfterOther(LazySequence):
    """The items of several sequences."""

    def __init__(self, parts: Sequence[Sequence[Any]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def item(self, index: int) -> Any:
        ends = list(accumulate(len(part) for part in self._parts))
        number = bisect_right(ends, index)
        return self._parts[number][index - (ends[number - 1] if number else 0)]
