"""Wake-ups: how a commit tells those who wait that there may be news.

A channel is a name with a version. Signals carry no data and coalesce: whoever wakes up looks into
the database. None is lost between looking and waiting when the version is taken before looking:

    seen = wakeups.version("task_instances")
    while True:
        if not await database.run(look_for_work):
            await wakeups.after("task_instances", seen, timeout_s=5)
        seen = wakeups.version("task_instances")

A unit of work signals with `wake(connection, channel)`, which happens when, and only when, it commits;
other processes hear of it too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import anyio
import anyio.lowlevel
import sqlalchemy as sa

#: Where a unit collects its channels on its connection until the lane takes them.
_INFO_KEY = "flowcore_wakeups"


class Wakeups:
    """The channels of one process. Any number of waiters; use it on the event loop's thread only."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._waiting: dict[str, set[anyio.Event]] = {}

    def version(self, channel: str) -> int:
        """How often the channel was set so far; take it before looking at the database."""
        return self._versions.setdefault(channel, 0)

    def set(self, channel: str) -> None:
        """Wake everybody who waits for the channel."""
        self._versions[channel] = self.version(channel) + 1
        for event in self._waiting.pop(channel, ()):
            event.set()

    def set_all(self) -> None:
        """Wake everybody: signals may have been missed, as after a lost connection."""
        for channel in tuple(self._versions):
            self.set(channel)

    async def after(self, channel: str, seen: int, timeout_s: float = math.inf) -> int:
        """Wait until the version is past `seen`, at most `timeout_s` seconds; the version then."""
        await self.after_any({channel: seen}, timeout_s)
        return self.version(channel)

    async def after_any(self, seen: Mapping[str, int], timeout_s: float = math.inf) -> bool:
        """Wait until one of the channels is past its `seen` version; false when `timeout_s` passed first.

        Always a checkpoint, also when there is news already.
        """
        if self._is_past(seen):
            await anyio.lowlevel.checkpoint()
            return True
        event = anyio.Event()
        for channel in seen:
            self._waiting.setdefault(channel, set()).add(event)
        try:
            with anyio.move_on_after(timeout_s):
                await event.wait()
        finally:
            self._forget(event, seen)
        return self._is_past(seen)

    def _is_past(self, seen: Mapping[str, int]) -> bool:
        return any(self.version(channel) > version for channel, version in seen.items())

    def _forget(self, event: anyio.Event, channels: Mapping[str, int]) -> None:
        for channel in channels:
            waiting = self._waiting.get(channel)
            if waiting is not None:
                waiting.discard(event)
                if not waiting:
                    del self._waiting[channel]


def wake(connection: sa.Connection, channel: str) -> None:
    """Inside a unit of work: set `channel` here and in other processes if and when the unit commits.

    Channels are names of at most 63 bytes. Use few distinct ones in a unit: each is a notification.
    """
    connection.info.setdefault(_INFO_KEY, set()).add(channel)


def take_channels(connection: sa.Connection) -> tuple[str, ...]:
    """The channels that the unit on `connection` signalled, sorted, and forget them there."""
    return tuple(sorted(connection.info.pop(_INFO_KEY, ())))
