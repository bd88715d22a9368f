"""Who waits for whom: the server's sessions, sampled every few milliseconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import psycopg

_EVERY_S = 0.005
_BUSY = (
    "SELECT count(*) FILTER (WHERE wait_event_type = 'Lock'), count(*) FROM pg_stat_activity"
    " WHERE state <> 'idle' AND datname = current_database() AND pid <> pg_backend_pid()"
)
_PAIRS = (
    "SELECT waiting.query, coalesce(blocking.query, waiting.wait_event) FROM pg_stat_activity waiting"
    " LEFT JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) blocker(pid) ON true"
    " LEFT JOIN pg_stat_activity blocking ON blocking.pid = blocker.pid"
    " WHERE waiting.wait_event_type = 'Lock' AND waiting.datname = current_database()"
)


@attrs.define
class LockWaits:
    """What was sampled of sessions that carry a unit of work out: how many, how many of them wait for a lock.

    `pairs` count which statement waited for whom: the newest statement of the session that has the lock.
    """

    samples: int = 0
    waiting: int = 0
    pairs: Counter[tuple[str, str]] = attrs.field(factory=Counter)

    @property
    def percent(self) -> float:
        """The share of the routines' time in the server that was waiting."""
        return 100 * self.waiting / max(self.samples, 1)

    def look(self, connection: psycopg.Connection) -> None:
        """Sample once."""
        waiting, busy = connection.execute(_BUSY).fetchone() or (0, 0)
        self.samples += busy
        self.waiting += waiting
        if waiting:
            self.pairs.update((_short(who), _short(whom)) for who, whom in connection.execute(_PAIRS))


@contextmanager
def sampled_lock_waits(url: str) -> Iterator[LockWaits]:
    """Sample the database of the URL for the duration of the block."""
    stop, waits = threading.Event(), LockWaits()

    def sample() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(_EVERY_S):
                waits.look(connection)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield waits
    finally:
        stop.set()
        sampler.join()


def _short(statement: str) -> str:
    return " ".join(statement.split())[:70]
