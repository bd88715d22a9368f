"""How a warm worker is doing. Nothing here waits or knows the time."""

from __future__ import annotations

import attrs


@attrs.frozen
class WorkerLimits:
    """When a worker is used no longer.

    Attributes:
        tries_max: It has been given so many tries.
        memory_max: Its resident size, in bytes.
        ping_s: How often it is looked after.
        answer_s: Its event loop has not answered for so long: it gets no tries until it does.
        stuck_s: Its event loop has not answered for so long: it is killed.
    """

    tries_max: int = 10_000
    memory_max: int = 1024**3
    ping_s: float = 1.0
    answer_s: float = 2.5
    stuck_s: float = 60.0


@attrs.define
class Pulse:
    """Numbers the pings to a worker, the next one when the last was answered; times are the loop's."""

    _asked: int = 0
    _asked_at: float = 0.0
    _answered: int = 0

    def ask(self, now: float) -> int | None:
        """The number of the ping to send now; None while one is not answered."""
        if self._answered < self._asked:
            return None
        self._asked += 1
        self._asked_at = now
        return self._asked

    def hear(self, number: int) -> None:
        """A ping was answered."""
        self._answered = max(self._answered, number)

    def silent_for(self, now: float) -> float:
        """For how many seconds a ping has not been answered."""
        return now - self._asked_at if self._answered < self._asked else 0.0
