"""What trigger rules look at, `UpstreamCounts`, and what they say, a `Verdict`."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Verdict(StrEnum):
    """What becomes of a task instance that has no state yet."""

    RUN = "run"
    WAIT = "wait"
    SKIP = "skip"
    UPSTREAM_FAIL = "upstream_fail"
    REMOVE = "remove"
    NEVER = "never"  # its upstreams are done and its rule cannot hold any more


@attrs.frozen
class UpstreamCounts:
    """How many upstream task instances there are in all, and how many of them ended in which state."""

    total: int
    success: int = 0
    failed: int = 0
    skipped: int = 0
    upstream_failed: int = 0
    removed: int = 0

    def __add__(self, other: UpstreamCounts) -> UpstreamCounts:
        """Both together."""
        return UpstreamCounts(
            self.total + other.total,
            self.success + other.success,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.upstream_failed + other.upstream_failed,
            self.removed + other.removed,
        )

    @property
    def done(self) -> int:
        """How many have ended."""
        return self.success + self.failed + self.skipped + self.upstream_failed + self.removed

    @property
    def remaining(self) -> int:
        """How many have not ended yet."""
        return self.total - self.done

    @property
    def bad(self) -> int:
        """How many ended failed or upstream_failed."""
        return self.failed + self.upstream_failed
