"""What a database has done so far, as counts: for metrics, and for tests that count round trips."""

from __future__ import annotations

import attrs


@attrs.frozen
class Statistics:
    """Counts since the database was opened."""

    transactions: int = 0
    """Units begun, each retry included."""
    retries: int = 0
    """Units run again because they lost a race, a lock or their connection."""
    statements: int = 0
    """Statements that units executed; BEGIN, COMMIT and the like are not counted."""
    round_trips: int = 0
    """Times that a unit waited for the server. SQLite has no server, and asyncpg does not tell."""
    connections: int = 0
    """Connections made."""
    waits: int = 0
    """Units that had to wait for a connection, because all were in use."""

    def since(self, earlier: Statistics) -> Statistics:
        """What was counted after `earlier`."""
        fields = attrs.asdict(self)
        return Statistics(**{name: count - getattr(earlier, name) for name, count in fields.items()})


@attrs.define
class Counters:
    """The same counts while they grow; only the lane that owns them changes them."""

    transactions: int = 0
    retries: int = 0
    statements: int = 0
    round_trips: int = 0
    connections: int = 0
    waits: int = 0

    def snapshot(self) -> Statistics:
        """The counts of this moment."""
        return Statistics(**attrs.asdict(self))
