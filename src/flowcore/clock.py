"""Where the scheduler gets the time from; decisions are only ever handed `now`.

`SystemClock` is the wall clock. A test that moves time has a clock of its own in `flowcore.testing`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present as an aware `datetime` in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
