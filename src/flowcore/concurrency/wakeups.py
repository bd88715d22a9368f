"""Wake-ups: how a commit tells those who wait that there may be news.

A channel is a name with a version. Signals carry no data and coalesce: whoever wakes up looks into
the database. None is lost between looking and waiting when the version is taken before looking:

    seen = wakeups.version("task_instances")
    while True:
        if not await database.run(look_for_work):
            await wakeups.after("task_instances", seen, timeout_s=5)
        seen = wakeups.version("task_instances")

`database/wakeups.py` sets them when units of work commit, here and in other processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import anyio
import anyio.lowlevel


class Wakeups:
    """The channels of one process. Any number of waiters; use it on the event loop's thread only."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._waiting: dict[str, set[anyio.Event]] = {}

    def version(self, channel: str) -> int:
        """How often the channel was set so far; take it before looking at the database."""
        return self._versions.setdefault(channel, 0)

    def versions(self, channels: Iterable[str]) -> dict[str, int]:
        """The versions of several channels, to be handed to `after_any`."""
        return {channel: self.version(channel) for channel in channels}

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
