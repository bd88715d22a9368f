"""What a task says of the assets that it updates: `outlet_events` of the context, and `Metadata`.

context["outlet_events"][orders].extra = {"rows": 12}
context["outlet_events"][AssetAlias("daily")].add(Asset("s3://bucket/2026-01-01"), extra={...})
yield Metadata(orders, extra={"rows": 12})
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from flowcore.domain.assets import Asset, AssetAlias, AssetKey, AssetRef, AssetUpdate
from flowcore.domain.partitions.base import checked_key
from flowcore.errors import UsageError
from flowcore.sdk.assets.lookups import ByAsset, Outlet, meant_among


@attrs.frozen
class Metadata:
    """What a task function yields about an outlet; `alias` is an outlet through which `asset` is named."""

    asset: Asset
    extra: Mapping[str, Any] = attrs.field(factory=dict)
    alias: AssetAlias | None = None


class OutletEvent:
    """The event of one outlet; `extra` is a dict of JSON values, to be filled or replaced."""

    def __init__(self, outlet: Outlet) -> None:
        self.key = outlet
        self.extra: dict[str, Any] = {}
        self.partition_keys: dict[str, None] = {}
        self.added: list[tuple[Asset, Mapping[str, Any]]] = []

    def add(self, asset: Asset, extra: Mapping[str, Any] | None = None) -> None:
        """Name an asset that was updated through an alias.

        Raises:
            UsageError: the outlet is no alias, or `asset` no asset.
        """
        if not isinstance(self.key, AssetAlias):
            raise UsageError(f"{self.key!r} is no AssetAlias; set the .extra of its event")
        if not isinstance(asset, Asset):
            raise UsageError(f"{asset!r} is no asset; add an Asset")
        self.added.append((asset, dict(extra or {})))

    def add_partitions(self, keys: str | Iterable[str]) -> None:
        """Say which partitions of the asset were updated: each is an event of its own.

        Raises:
            UsageError: the outlet is an alias, or a key cannot be one.
        """
        if isinstance(self.key, AssetAlias):
            raise UsageError(f"{self.key!r} stands for several assets; add partitions to those themselves")
        for key in [keys] if isinstance(keys, str) else keys:
            self.partition_keys[checked_key(key)] = None


class OutletEvents(ByAsset[OutletEvent]):
    """The events of a task's outlets, by the outlet; of the run's partition, unless others are added."""

    def __init__(self, outlets: Sequence[Outlet], *, partition_key: str | None = None) -> None:
        self._partition_key = partition_key
        self._events: dict[Outlet, OutletEvent] = {}
        for outlet in outlets:
            if meant_among(outlet, self._events) is None:
                self._events[outlet] = OutletEvent(outlet)

    def __getitem__(self, outlet: Outlet) -> OutletEvent:
        if not isinstance(outlet, Outlet):
            raise UsageError(f"{outlet!r} is no asset; look events up by an Asset or an AssetAlias")
        found = meant_among(outlet, self._events)
        if found is None:
            known = ", ".join(repr(one) for one in self._events) or "none"
            raise UsageError(f"{outlet!r} is no outlet of this task, which has {known}; add it to `outlets`")
        return self._events[found]

    def __iter__(self) -> Iterator[Outlet]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def note(self, metadata: Metadata) -> None:
        """Take what a function has yielded."""
        if metadata.alias is not None:
            self[metadata.alias].add(metadata.asset, metadata.extra)
        else:
            self[metadata.asset].extra.update(metadata.extra)

    def updates(self) -> Iterator[AssetUpdate]:
        """The updates of the assets, when the task has succeeded."""
        for event in self.values():
            for update in _updates_of(event):
                for key in event.partition_keys or (self._partition_key,):
                    yield attrs.evolve(update, partition_key=key)


def _updates_of(event: OutletEvent) -> Iterator[AssetUpdate]:
    match event.key:
        case Asset() as outlet:
            yield _update(outlet, event.extra)
        case AssetAlias(name=alias):
            seen: list[tuple[AssetKey, Mapping[str, Any]]] = []
            for asset, extra in event.added:
                if (asset.key, extra) not in seen:
                    seen.append((asset.key, extra))
                    yield _update(asset, extra, alias)
        case AssetRef(name=name, uri=uri):
            yield AssetUpdate(name=name or "", uri=uri or "", extra=event.extra)


def _update(asset: Asset, extra: Mapping[str, Any], alias: str | None = None) -> AssetUpdate:
    return AssetUpdate(
        name=asset.name,
        uri=asset.uri,
        group=asset.group,
        asset_extra=asset.extra,
        extra=extra,
        alias=alias,
    )
