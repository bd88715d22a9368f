"""When to leave a backend alone that does not answer. Nothing here waits; `now` is monotonic seconds."""

from __future__ import annotations

import math
from enum import StrEnum


class CircuitState(StrEnum):
    """Closed: calls pass. Open: none does. Half open: one passes, to see whether the backend is back."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit:
    """Opens after `failures_max` failures in a row, and lets one call through `pause_s` seconds later."""

    def __init__(self, *, failures_max: int, pause_s: float) -> None:
        self._failures_max, self._pause_s = failures_max, pause_s
        self._failures = 0
        self._retry_at = -math.inf
        self._is_probing = False

    def state(self, now: float) -> CircuitState:
        """How it stands at `now`."""
        if self._failures < self._failures_max:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self._retry_at or self._is_probing else CircuitState.HALF_OPEN

    def admit(self, now: float) -> bool:
        """Whether a call may be made now; if so, report how it went with one of the methods below."""
        state = self.state(now)
        self._is_probing |= state is CircuitState.HALF_OPEN
        return state is not CircuitState.OPEN

    def succeed(self) -> None:
        """The backend answered."""
        self._failures, self._is_probing = 0, False

    def fail(self, now: float) -> None:
        """The backend did not answer."""
        self._failures += 1
        self._is_probing = False
        self._retry_at = now + self._pause_s

    def withdraw(self) -> None:
        """The caller went away before there was an answer, which says nothing about the backend."""
        self._is_probing = False
