"""What a task learns of events: `triggering_asset_events` and `inlet_events` of the context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from flowcore.domain.assets import Asset, AssetAlias, AssetEvent, AssetRef
from flowcore.errors import UsageError
from flowcore.sdk.assets.lookups import ByAsset, Outlet, meant_among
from flowcore.sdk.comms.asset_messages import GetAssetEvents
from flowcore.sdk.comms.questions import Comms, Question, ask, awaiting_method, blocking_method

#: So many events of an inlet are given, the newest ones.
EVENTS_MAX = 1000


class NotUpdated(UsageError, KeyError):
    """A run was not started by events of that asset."""

    # KeyError's would show the message in quotes.
    __str__ = Exception.__str__


class TriggeringAssetEvents(ByAsset[Sequence[AssetEvent]]):
    """The events that a run has consumed by their assets, the oldest first; looked up when it is used.

    Those that were made through an alias are found under the alias, too.
    """

    def __init__(self, look_up: Callable[[], Sequence[AssetEvent]]) -> None:
        self._look_up = look_up
        self._found: Mapping[Outlet, list[AssetEvent]] | None = None

    def __getitem__(self, asset: Outlet) -> Sequence[AssetEvent]:
        found = meant_among(asset, self._events)
        if found is None:
            known = ", ".join(repr(one) for one in self._events) or "none"
            raise NotUpdated(f"no event of {asset!r} has started this run, only of {known}; use .get()")
        return self._events[found]

    def __iter__(self) -> Iterator[Outlet]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def _events(self) -> Mapping[Outlet, list[AssetEvent]]:
        if self._found is None:
            found: dict[Outlet, list[AssetEvent]] = {}
            events = self._look_up()
            for event in events:
                found.setdefault(Asset(event.asset.name, event.asset.uri), []).append(event)
            for event in events:
                if event.alias is not None:
                    found.setdefault(AssetAlias(event.alias), []).append(event)
            self._found = found
        return self._found


class InletEvents(ByAsset[Sequence[AssetEvent]]):
    """The newest events of a task's inlets, the oldest of them first, by inlet or its place in the list.

    Coroutines `await inlet_events.aget(inlet)`.
    """

    def __init__(self, inlets: Sequence[Outlet], comms: Comms) -> None:
        self._inlets, self.comms = tuple(inlets), comms

    def __getitem__(self, inlet: Outlet | int) -> Sequence[AssetEvent]:
        return self._of(inlet)

    def __iter__(self) -> Iterator[Outlet]:
        return iter(self._inlets)

    def __len__(self) -> int:
        return len(self._inlets)

    def _events(self, inlet: Outlet | int) -> Question[Sequence[AssetEvent]]:
        match self._inlets[inlet] if isinstance(inlet, int) else inlet:
            case Asset(name=name, uri=uri) | AssetRef(name=name, uri=uri):
                request = GetAssetEvents(EVENTS_MAX, name=name, uri=uri)
            case AssetAlias(name=name):
                request = GetAssetEvents(EVENTS_MAX, alias=name)
            case other:
                raise UsageError(f"{other!r} is no asset; look events up by an Asset or an AssetAlias")
        return (yield from ask(request)).events

    _of = blocking_method(_events, face="inlet_events.get")
    aget = awaiting_method(_events)
