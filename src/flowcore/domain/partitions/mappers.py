"""Mappers of keys that are names: as they are, one for all, only some, or put together from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs

from flowcore.domain.partitions.base import KEY_LENGTH_MAX, PartitionMapper, is_key
from flowcore.errors import DagError


def _key(key: object) -> str:
    if not isinstance(key, str) or not is_key(key):
        raise DagError(f"{key!r:.80} is no key of a partition; use 1 to {KEY_LENGTH_MAX} characters")
    return key


@attrs.frozen
class IdentityMapper(PartitionMapper):
    """The same key."""

    def to_downstream(self, key: str) -> str:
        return key


@attrs.frozen
class FixedKeyMapper(PartitionMapper):
    """One key for all."""

    downstream_key: str = attrs.field(converter=_key)

    def to_downstream(self, key: str) -> str:
        return self.downstream_key


def _keys(keys: Iterable[object]) -> tuple[str, ...]:
    if isinstance(keys, str):
        raise DagError(f"AllowedKeyMapper was given {keys!r:.80}; give it a list of keys")
    return tuple(map(_key, keys))


@attrs.frozen
class AllowedKeyMapper(PartitionMapper):
    """The same key, if it is one of these; others start no run."""

    allowed_keys: tuple[str, ...] = attrs.field(converter=_keys)

    def to_downstream(self, key: str) -> str:
        if key not in self.allowed_keys:
            raise ValueError(f"only {', '.join(self.allowed_keys)} are allowed")
        return key


def _several(kind: str, mappers: tuple[object, ...]) -> tuple[PartitionMapper, ...]:
    known = tuple(one for one in mappers if isinstance(one, PartitionMapper))
    if len(known) < 2 or len(known) < len(mappers):
        raise DagError(f"{kind} was given {mappers!r:.80}; give it two partition mappers or more")
    return known


@attrs.frozen(init=False)
class ProductMapper(PartitionMapper):
    """A key of several parts, each of which has a mapper."""

    mappers: tuple[PartitionMapper, ...]
    delimiter: str

    def __init__(
        self, *mappers: PartitionMapper, delimiter: str = "|", max_downstream_keys: int | None = None
    ) -> None:
        self.__attrs_init__(
            mappers=_several("ProductMapper", mappers),
            delimiter=delimiter,
            max_downstream_keys=max_downstream_keys,
        )

    def to_downstream(self, key: str) -> str:
        parts = key.split(self.delimiter)
        if len(parts) != len(self.mappers):
            raise ValueError(
                f"it has {len(parts)} parts between {self.delimiter!r}, and {len(self.mappers)} are wanted"
            )
        mapped = [mapper.to_downstream(part) for mapper, part in zip(self.mappers, parts, strict=True)]
        if not all(isinstance(one, str) for one in mapped):
            raise ValueError("a part of it becomes several keys, which ProductMapper cannot put together")
        return self.delimiter.join(str(one) for one in mapped)

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        parts = downstream_key.split(self.delimiter)
        if len(parts) != len(self.mappers):
            return None
        dates = [m.to_partition_date(part) for m, part in zip(self.mappers, parts, strict=True)]
        found = [date for date in dates if date is not None]
        return found[0] if len(found) == 1 else None


@attrs.frozen(init=False)
class ChainMapper(PartitionMapper):
    """One mapper after the other."""

    mappers: tuple[PartitionMapper, ...]

    def __init__(self, *mappers: PartitionMapper, max_downstream_keys: int | None = None) -> None:
        self.__attrs_init__(mappers=_several("ChainMapper", mappers), max_downstream_keys=max_downstream_keys)

    def to_downstream(self, key: str) -> Iterable[str]:
        keys: Iterable[str] = [key]
        for mapper in self.mappers:
            keys = [mapped for one in keys for mapped in each(mapper.to_downstream(one))]
        return keys

    def to_partition_date(self, downstream_key: str) -> datetime | None:
        return self.mappers[-1].to_partition_date(downstream_key)


def each(mapped: str | Iterable[str]) -> Iterator[str]:
    """The keys, of which there may be one."""
    if isinstance(mapped, str):
        yield mapped
    else:
        yield from mapped
