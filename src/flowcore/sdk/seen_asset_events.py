"""What a task learns of events: `triggering_asset_events` and `inlet_events` of the context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from flowcore.domain.assets import Asset, AssetAlias, AssetEvent, AssetKey, AssetRef
from flowcore.errors import UsageError
from flowcore.sdk.asset_events import Outlet
from flowcore.sdk.comms.asset_messages import GetAssetEvents
from flowcore.sdk.comms.questions import Comms, Question, ask, awaiting_method, blocking_method

#: So many events of an inlet are given, the newest ones.
EVENTS_MAX = 1000


class TriggeringAssetEvents(Mapping[Asset, Sequence[AssetEvent]]):
    """The events that a run has consumed by their assets, the oldest first; looked up when it is used."""

    def __init__(self, look_up: Callable[[], Sequence[AssetEvent]]) -> None:
        self._look_up = look_up
        self._found: dict[AssetKey, list[AssetEvent]] | None = None

    def __getitem__(self, asset: Asset) -> Sequence[AssetEvent]:
        return self._events[asset.key]

    def __iter__(self) -> Iterator[Asset]:
        return (Asset(key.name, key.uri) for key in self._events)

    def __len__(self) -> int:
        return len(self._events)

    @property
    def _events(self) -> Mapping[AssetKey, list[AssetEvent]]:
        if self._found is None:
            found: dict[AssetKey, list[AssetEvent]] = {}
            for event in self._look_up():
                found.setdefault(event.asset, []).append(event)
            self._found = found
        return self._found


class InletEvents(Mapping[Outlet, Sequence[AssetEvent]]):
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
