"""`Cache`: remembers answers for a while, and lets one lookup serve everybody who asks meanwhile.

Lookups run in a nursery of the cache's own, so that a caller who is cancelled takes the answer from
nobody. Answers, misses among them, stay in memory only; errors are not remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from flowcore.errors import SecretsUnavailable
from flowcore.secrets.chain import Found
from flowcore.secrets.keys import SecretKey

ENTRIES_MAX = 10_000


@attrs.define(eq=False)
class _Flight:
    """A lookup under way."""

    landed: anyio.Event = attrs.field(factory=anyio.Event)
    found: Found | None = None
    error: Exception | None = None


@attrs.frozen
class CacheStatistics:
    """How often the cache was asked since the start, and how many lookups that took."""

    requests: int
    lookups: int
    entries: int


class Cache:
    """Answers for `ttl_s` seconds, misses for `miss_ttl_s`; `serve` must run wherever it is used."""

    def __init__(
        self,
        look_up: Callable[[SecretKey], Awaitable[Found]],
        *,
        ttl_s: float = 60.0,
        miss_ttl_s: float = 5.0,
        monotonic: Callable[[], float] = anyio.current_time,
    ) -> None:
        self._look_up, self._monotonic = look_up, monotonic
        self._ttl_s, self._miss_ttl_s = ttl_s, miss_ttl_s
        self._entries: dict[SecretKey, tuple[float, Found]] = {}
        self._flights: dict[SecretKey, _Flight] = {}
        self._nursery: TaskGroup | None = None
        self._requests = self._lookups = 0

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Carry out lookups until cancelled; `get` works from `started()` on."""
        async with anyio.create_task_group() as nursery:
            self._nursery = nursery
            try:
                task_status.started()
                await anyio.sleep_forever()
            finally:
                self._nursery = None

    async def get(self, key: SecretKey) -> Found:
        """The remembered answer, or a new one.

        Raises:
            SecretsError: as the lookup, for everybody who waited for it.
        """
        self._requests += 1
        until, found = self._entries.get(key, (0.0, None))
        if found is not None and self._monotonic() < until:
            return found
        flight = self._flights.get(key) or self._start(key)
        await flight.landed.wait()
        if flight.found is None:
            # One error object for all who wait: without this it would collect their tracebacks.
            raise (flight.error or _stopped(key)).with_traceback(None)
        return flight.found

    def forget(self, key: SecretKey) -> None:
        """The key was written: neither what is remembered nor what is under way is true any more."""
        self._entries.pop(key, None)
        self._flights.pop(key, None)

    def forget_all(self) -> None:
        """Keys were written, nobody knows which."""
        self._entries.clear()
        self._flights.clear()

    def statistics(self) -> CacheStatistics:
        """The present numbers."""
        return CacheStatistics(self._requests, self._lookups, len(self._entries))

    def _start(self, key: SecretKey) -> _Flight:
        if self._nursery is None:
            raise _stopped(key)
        flight = self._flights[key] = _Flight()
        self._nursery.start_soon(self._fly, key, flight)
        return flight

    async def _fly(self, key: SecretKey, flight: _Flight) -> None:
        self._lookups += 1
        try:
            flight.found = await self._look_up(key)
            self._remember(key, flight, flight.found)
        # Whatever went wrong is for those who wait, not for the other lookups of the nursery.
        except Exception as error:
            flight.error = error
        finally:
            # A flight that was forgotten has been replaced, or will be.
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.landed.set()

    def _remember(self, key: SecretKey, flight: _Flight, found: Found) -> None:
        if self._flights.get(key) is not flight or not found.is_certain:
            return
        ttl_s = self._miss_ttl_s if found.text is None else self._ttl_s
        self._entries.pop(key, None)
        self._entries[key] = self._monotonic() + ttl_s, found
        if len(self._entries) > ENTRIES_MAX:
            del self._entries[next(iter(self._entries))]


def _stopped(key: SecretKey) -> SecretsUnavailable:
    return SecretsUnavailable("cache", key.name, "flowcore is stopping; ask while it is open")
