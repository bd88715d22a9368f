"""Values that never change once they are in the database: read once, kept as long as there is room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Generic, TypeVar

import sqlalchemy as sa

V = TypeVar("V")


class RowCache(ABC, Generic[V]):
    """Values by the key of their row, the least recently used of `size` making room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._cached: OrderedDict[int, V] = OrderedDict()

    def get(self, connection: sa.Connection, keys: Iterable[int]) -> Mapping[int, V]:
        """Return the values of these keys, reading those not seen before in one statement."""
        wanted = set(keys)
        missing = wanted - self._cached.keys()
        found = {key: self._cached[key] for key in wanted - missing}
        if missing:
            found.update(self._read(connection, sorted(missing)))
        self._remember(found)
        return found

    @abstractmethod
    def _read(self, connection: sa.Connection, keys: Collection[int]) -> Mapping[int, V]:
        """Read the values of these keys with one statement."""

    def _remember(self, found: Mapping[int, V]) -> None:
        for key, value in found.items():
            self._cached[key] = value
            self._cached.move_to_end(key)
        while len(self._cached) > self._size:
            self._cached.popitem(last=False)
