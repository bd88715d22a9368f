"""Values that never change once they are in the database: read once, kept as long as there is room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

import sqlalchemy as sa

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RowCache(ABC, Generic[K, V]):
    """Values by the key of their row, the least recently used of `size` making room."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._cached: OrderedDict[K, V] = OrderedDict()

    def get(self, connection: sa.Connection, keys: Iterable[K]) -> Mapping[K, V]:
        """Return the values of these keys, reading those not seen before in one statement."""
        wanted = set(keys)
        missing = wanted - self._cached.keys()
        found = {key: self._cached[key] for key in wanted - missing}
        if missing:
            found.update(self._read(connection, missing))
        self._remember(found)
        return found

    def remembered(self, key: K) -> V | None:
        """Return the value if it needs no reading."""
        if key in self._cached:
            self._cached.move_to_end(key)
        return self._cached.get(key)

    @abstractmethod
    def _read(self, connection: sa.Connection, keys: Collection[K]) -> Mapping[K, V]:
        """Read the values of these keys with one statement."""

    def _remember(self, found: Mapping[K, V]) -> None:
        for key, value in found.items():
            self._cached[key] = value
            self._cached.move_to_end(key)
        while len(self._cached) > self._size:
            self._cached.popitem(last=False)
