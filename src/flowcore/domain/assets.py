"""Assets, what stands for several of them, and the events that say that one was updated.

`Asset`, `AssetAlias`, `AssetRef`, `AssetAll` and `AssetAny` are what authors write; the SDK has them under
these names. They are frozen values; `asset_documents.py` turns them into JSON and back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

import attrs

from flowcore.domain.asset_uris import checked_name, normalized_uri
from flowcore.errors import DagError


@attrs.frozen
class AssetKey:
    """What tells one asset from the others."""

    name: str
    uri: str


class AssetExpression:
    """What a Dag may wait for: `a & b` is both, `a | b` is one of them."""

    __slots__ = ()

    def __and__(self, other: object) -> AssetAll:
        return AssetAll(self, other) if isinstance(other, AssetExpression) else NotImplemented

    def __or__(self, other: object) -> AssetAny:
        return AssetAny(self, other) if isinstance(other, AssetExpression) else NotImplemented

    def parts(self) -> Iterator[Asset | AssetAlias | AssetRef]:
        """The assets, aliases and references in it, in the order in which they are written."""
        raise NotImplementedError


@attrs.frozen(init=False, slots=False, eq=False, repr=False)
class Asset(AssetExpression, os.PathLike[str]):
    """Data that tasks update and Dags wait for.

    Args:
        name: How it is called; by default its URI.
        uri: Where it is, in a normal form; by default its name.
        group: What kind of thing it is, for people.
        extra: JSON values that say more about it.

    Raises:
        DagError: The name or the URI cannot be used.
    """

    name: str
    uri: str
    group: str
    extra: Mapping[str, Any]

    asset_type: ClassVar[str] = "asset"

    def __init__(
        self,
        name: str | None = None,
        uri: str | os.PathLike[str] | None = None,
        *,
        group: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        if name is None and uri is None:
            raise DagError("Asset() has neither a name nor a uri; give it one of them")
        text = str(name) if uri is None else str(uri)
        self.__attrs_init__(
            name=checked_name("an asset", text if name is None else name),
            uri=normalized_uri(text),
            group=self.asset_type if group is None else group,
            extra=dict(extra or {}),
        )

    @property
    def key(self) -> AssetKey:
        """What tells it from others."""
        return AssetKey(self.name, self.uri)

    @staticmethod
    def ref(*, name: str | None = None, uri: str | None = None) -> AssetRef:
        """The asset of that name, or that URI, which another Dag defines."""
        return AssetRef(name=name, uri=uri)

    def parts(self) -> Iterator[Asset | AssetAlias | AssetRef]:
        yield self

    def __fspath__(self) -> str:
        return self.uri

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Asset):
            return NotImplemented
        return (self.key, self.group, self.extra) == (other.key, other.group, other.extra)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"Asset(name={self.name!r}, uri={self.uri!r})"


class Model(Asset):
    """An asset that is a model of machine learning."""

    asset_type = "model"


def _alias_name(name: object) -> str:
    return checked_name("an asset alias", name)


@attrs.frozen
class AssetAlias(AssetExpression):
    """Stands for assets that tasks name only while they run: `outlet_events[alias].add(asset)`."""

    name: str = attrs.field(converter=_alias_name)
    group: str = ""

    def parts(self) -> Iterator[Asset | AssetAlias | AssetRef]:
        yield self


@attrs.frozen(kw_only=True)
class AssetRef(AssetExpression):
    """The asset of a name or a URI, whoever defines it."""

    name: str | None = None
    uri: str | None = attrs.field(default=None, converter=attrs.converters.optional(normalized_uri))

    def __attrs_post_init__(self) -> None:
        if (self.name is None) == (self.uri is None):
            raise DagError("Asset.ref() takes either a name or a uri; give it one of them")

    def parts(self) -> Iterator[Asset | AssetAlias | AssetRef]:
        yield self


@attrs.frozen(init=False)
class _Several(AssetExpression):
    items: tuple[AssetExpression, ...]

    def __init__(self, *items: AssetExpression) -> None:
        kind = type(self).__name__
        for item in items:
            if not isinstance(item, AssetExpression):
                raise DagError(f"{kind}() was given {item!r}; give it assets, as in {kind}(Asset('orders'))")
        if not items:
            raise DagError(f"{kind}() stands for no asset at all; name at least one")
        self.__attrs_init__(items)

    def parts(self) -> Iterator[Asset | AssetAlias | AssetRef]:
        for item in self.items:
            yield from item.parts()


class AssetAll(_Several):
    """Each of them."""

    __slots__ = ()


class AssetAny(_Several):
    """At least one of them."""

    __slots__ = ()


@attrs.frozen(kw_only=True)
class AssetUpdate:
    """An asset that a try has updated, if it succeeds; `alias` is the one through which it was named.

    An empty name or URI is not known: any asset with the other one is meant. `partition_key` is the partition
    of it that was updated, None for all of it.
    """

    name: str
    uri: str
    group: str = Asset.asset_type
    asset_extra: Mapping[str, Any] = attrs.field(factory=dict)
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    alias: str | None = None
    partition_key: str | None = None


@attrs.frozen(kw_only=True)
class AssetEvent:
    """An asset was updated at `timestamp`: by a task, or from outside, when there is no source.

    `extra` is what the source said about it, a JSON object. Times are aware and in UTC.
    """

    id: int
    asset: AssetKey
    timestamp: datetime
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    source_dag_id: str | None = None
    source_run_id: str | None = None
    source_task_id: str | None = None
    source_map_index: int | None = None
    alias: str | None = None
    partition_key: str | None = None
