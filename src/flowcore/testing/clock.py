"""Clocks that tests move: `LoopClock` follows the event loop's time, `ManualClock` moves when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import attrs

#: Where virtual time begins.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.frozen
class LoopClock:
    """Wall-clock time counted from the event loop's own clock; use it inside a running loop.

    Under trio's `MockClock` this is virtual time: sleeps and dates agree to the microsecond.
    """

    epoch: datetime = EPOCH

    def now(self) -> datetime:
        """`epoch` plus the seconds that the loop's clock shows."""
        return self.epoch + timedelta(seconds=anyio.current_time())


@attrs.define
class ManualClock:
    """Time that stands still until `advance`; for code that never sleeps, on any loop or none."""

    _now: datetime = EPOCH

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by some seconds."""
        self._now += timedelta(seconds=seconds)
