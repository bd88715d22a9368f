"""`task_state_store` and `asset_state_store` of the context: JSON values that outlive the try.

A task instance finds again what its earlier tries have written, so that a retry goes on where the last one
was; an asset's state is shared by all tasks that have it among their inlets or outlets. Each method has a
twin for coroutines. What is written is there for others at once, whatever becomes of the try; a try that
is not the current one any more writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flowcore.domain.assets import Asset, AssetAlias, AssetRef
from flowcore.domain.state_owners import NEVER_EXPIRE, OWN, StateOwner
from flowcore.errors import UsageError
from flowcore.sdk.assets.lookups import Outlet
from flowcore.sdk.comms.questions import Comms, Question, ask, awaiting_method, blocking_method
from flowcore.sdk.comms.state_messages import DeleteState, GetState, SetState

__all__ = ["NEVER_EXPIRE", "AssetStateStore", "AssetStateStores", "TaskStateStore"]


class _StateStore:
    """Reads and deletes; how long something is kept is said by those who write."""

    def __init__(self, comms: Comms, owner: StateOwner) -> None:
        self.comms, self._owner = comms, owner

    @property
    def owner(self) -> StateOwner:
        return self._owner

    def _get(self, key: str, default: Any = None) -> Question[Any]:
        text = (yield from ask(GetState(key, self.owner))).text
        return default if text is None else json.loads(text)

    def _delete(self, key: str) -> Question[None]:
        yield from ask(DeleteState(key, self.owner))

    def _clear(self) -> Question[None]:
        yield from ask(DeleteState(owner=self.owner))

    get = blocking_method(_get, face="task_state_store.get")
    aget = awaiting_method(_get)
    delete = blocking_method(_delete, face="task_state_store.delete")
    adelete = awaiting_method(_delete)
    clear = blocking_method(_clear, face="task_state_store.clear")
    aclear = awaiting_method(_clear)


class TaskStateStore(_StateStore):
    """The state of one task instance, until it expires or its run is deleted."""

    def __init__(self, comms: Comms) -> None:
        super().__init__(comms, OWN)

    def _set(self, key: str, value: Any, *, retention: timedelta | None = None) -> Question[None]:
        seconds = None if retention in (None, NEVER_EXPIRE) else retention.total_seconds()
        if seconds is not None and seconds <= 0:
            raise UsageError(
                f"retention {retention} of {key!r} is over at once; give a positive one, or NEVER_EXPIRE"
            )
        text = _json(key, value)
        yield from ask(SetState(key, text, retention_s=seconds, never_expires=retention == NEVER_EXPIRE))

    set = blocking_method(_set, face="task_state_store.set")
    aset = awaiting_method(_set)


class AssetStateStore(_StateStore):
    """The state of one asset, until it is deleted."""

    def _set(self, key: str, value: Any) -> Question[None]:
        yield from ask(SetState(key, _json(key, value), self.owner))

    set = blocking_method(_set, face="asset_state_store.set")
    aset = awaiting_method(_set)


class AssetStateStores(AssetStateStore):
    """The state of a task's assets: `asset_state_store[ORDERS].get("watermark")`.

    Where the task has one asset only, its state can be used without naming it.
    """

    def __init__(self, inlets: Sequence[Outlet], outlets: Sequence[Outlet], comms: Comms) -> None:
        super().__init__(comms, OWN)
        self._owners = {_owner(one): None for one in (*inlets, *outlets) if not isinstance(one, AssetAlias)}
        self._has_alias = any(isinstance(one, AssetAlias) for one in inlets)

    def __getitem__(self, asset: Outlet) -> AssetStateStore:
        if isinstance(asset, AssetAlias):
            raise UsageError(f"{asset!r} has no state; name one of the assets that it stands for")
        owner = _owner(asset)
        if owner not in self._owners and not self._has_alias:
            raise UsageError(f"{asset!r} is none of the task's assets; add it to its inlets or outlets")
        return AssetStateStore(self.comms, owner)

    @property
    def owner(self) -> StateOwner:
        if len(self._owners) != 1:
            raise UsageError(
                f"the task has {len(self._owners)} assets; say whose state is meant: asset_state_store[ASSET]"
            )
        return next(iter(self._owners))


def _owner(asset: Outlet) -> StateOwner:
    match asset:
        case Asset(name=name, uri=uri) | AssetRef(name=name, uri=uri):
            return StateOwner(asset_name=name, asset_uri=uri)
    raise UsageError(f"{asset!r} is no asset; look state up by an Asset or an Asset.ref()")


def _json(key: str, value: Any) -> str:
    if value is None:
        raise UsageError(f"state {key!r} cannot be None; delete it instead")
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"state {key!r} is kept as JSON, and {type(value).__name__} cannot be written so ({error}); give"
            " texts, numbers, lists and dicts, and times as `moment.isoformat()`"
        ) from None
