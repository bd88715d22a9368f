"""THE loop: how every routine advances at its own pace, woken by events.

A routine takes one bounded step and says whether there is more to do or when there will be. The loop
turns "more" into "again now", and "nothing" into "wait for my wake-up, or my next deadline, or the
safety poll". Nothing is lost between looking and waiting: the wake-ups seen are noted before the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

import anyio.lowlevel

from flowcore.clock import Clock
from flowcore.concurrency.wakeups import Wakeups

#: How soon a routine looks again for what was due and could not be had.
_LEFT_BEHIND_S = 0.02


class Progress(Protocol):
    """What a step reports."""

    @property
    def more(self) -> bool:
        """Whether the next step would find work at once."""
        ...

    @property
    def next_at(self) -> datetime | None:
        """When there will be work that no wake-up announces; None when nothing is foreseen."""
        ...

    @property
    def ignores(self) -> frozenset[str]:
        """Channels that are no news to the routine as things stand after this step."""
        ...


class Routine(Protocol):
    """One step-in-a-loop of the scheduler."""

    @property
    def name(self) -> str: ...

    async def step(self, now: datetime) -> Progress:
        """Do at most one batch of work."""
        ...


async def run_routine(
    routine: Routine,
    channels: Iterable[str],
    *,
    wakeups: Wakeups,
    clock: Clock,
    poll_s: float,
    stepped: Callable[[], None],
) -> None:
    """Step `routine` for ever, calling `stepped` after each; an exception ends it (see `supervision.py`)."""
    channels = frozenset(channels)
    while True:
        seen = wakeups.versions(channels)
        progress = await routine.step(clock.now())
        stepped()
        if progress.more:
            await anyio.lowlevel.checkpoint()
            continue
        news = {channel: seen[channel] for channel in channels - progress.ignores}
        await wakeups.after_any(news, timeout_s=_wait_s(progress.next_at, clock.now(), poll_s))


def _wait_s(next_at: datetime | None, now: datetime, poll_s: float) -> float:
    due_s = math.inf if next_at is None else (next_at - now).total_seconds()
    # What is due and was left has been locked by somebody else: asking again at once would not let go.
    return min(due_s if due_s > 0 else _LEFT_BEHIND_S, poll_s)
