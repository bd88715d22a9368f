"""When what a Dag waits for has happened."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from flowcore.domain.assets import (
    Asset,
    AssetAlias,
    AssetAll,
    AssetAny,
    AssetExpression,
    AssetKey,
    AssetRef,
)
from flowcore.errors import InvariantBroken


class Updated(Protocol):
    """An asset that was updated; `aliases` are those through which it was ever named."""

    @property
    def key(self) -> AssetKey: ...
    @property
    def aliases(self) -> Collection[str]: ...


def is_met(condition: AssetExpression, updated: Collection[Updated]) -> bool:
    """Whether updates of these assets are what is waited for."""
    match condition:
        case AssetAll(items=items):
            return all(is_met(item, updated) for item in items)
        case AssetAny(items=items):
            return any(is_met(item, updated) for item in items)
        case Asset(key=key):
            return any(one.key == key for one in updated)
        case AssetAlias(name=name):
            return any(name in one.aliases for one in updated)
        case AssetRef(name=name, uri=uri):
            return any(name == one.key.name if uri is None else uri == one.key.uri for one in updated)
    raise InvariantBroken(f"nobody can say whether {condition!r} has happened; please report it")
