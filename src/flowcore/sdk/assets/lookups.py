"""How values that belong to assets are looked up: by the asset, and in templates by what it is called.

{{ inlet_events.for_asset(name='orders')[-1].extra }}
{{ inlet_events.for_asset_alias(name='daily') }}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from flowcore.domain.assets import Asset, AssetAlias, AssetKey, AssetRef
from flowcore.errors import UsageError

Outlet = Asset | AssetAlias | AssetRef
V = TypeVar("V")


class ByAsset(Mapping[Outlet, V]):
    """Values by asset, alias or reference."""

    def for_asset(self, *, name: str | None = None, uri: str | None = None) -> V:
        """The value of the asset of that name, that URI, or both.

        Raises:
            UsageError: neither is given, or there is no such asset here.
        """
        if name is None and uri is None:
            raise UsageError("for_asset() was given neither a name nor a uri; give it one of them")
        if name is None or uri is None:
            return self[AssetRef(name=name, uri=uri)]
        return self[Asset(name, uri)]

    def for_asset_alias(self, *, name: str) -> V:
        """The value of an alias.

        Raises:
            UsageError: there is no such alias here.
        """
        return self[AssetAlias(name)]


def refers_to(reference: AssetRef, key: AssetKey) -> bool:
    """Whether a reference means this asset."""
    return reference.name == key.name if reference.uri is None else reference.uri == key.uri


def meant_among(wanted: Outlet, known: Iterable[Outlet]) -> Outlet | None:
    """Which of the known ones is wanted; a reference means an asset, and an asset is meant by a reference."""
    for one in known:
        match wanted, one:
            case (Asset(key=key), Asset(key=other)) if key == other:
                return one
            case (Asset(key=key), AssetRef() as reference) if refers_to(reference, key):
                return one
            case (AssetRef() as reference, Asset(key=key)) if refers_to(reference, key):
                return one
            case (AssetAlias(name=name), AssetAlias(name=other)) if name == other:
                return one
            case (AssetRef(), AssetRef()) if wanted == one:
                return one
    return None
