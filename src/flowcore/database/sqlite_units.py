"""How a unit is carried out on a SQLite connection, and how it can be stopped meanwhile.

Python's own transaction handling is off: a unit begins with BEGIN or BEGIN IMMEDIATE, so that a
writer waits for its turn at the start and never in the middle. `sqlite.py` and `inline.py` say in
which thread this happens.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

from flowcore.database.wakeups import take_channels

T = TypeVar("T")


class UnitStopped(Exception):
    """Raised inside a unit whose caller was cancelled."""


class StopSignal:
    """Stops one unit from another thread, until its commit or rollback begins."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._requested = False
        self._settled = False
        self._running: sqlite3.Connection | None = None

    def request(self) -> None:
        """Interrupt the statement that runs and refuse further ones; nothing once it is settled."""
        # Under the lock: an interrupt that came a moment later would hit the COMMIT.
        with self._guard:
            if self._settled:
                return
            self._requested = True
            if self._running is not None:
                self._running.interrupt()

    def check(self) -> None:
        """Raise `UnitStopped` if a stop was requested."""
        if self._requested:
            raise UnitStopped

    def attach(self, raw: sqlite3.Connection) -> None:
        """The unit runs on `raw` from now on."""
        with self._guard:
            self.check()
            self._running = raw

    def settle(self) -> None:
        """Commit or rollback comes next: what was not stopped so far cannot be stopped any more."""
        with self._guard:
            self._settled = True


class LaneConnection(sqlite3.Connection):
    """A connection that counts the statements of units and refuses those of a stopped one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statements = 0
        self._stop = StopSignal()
        self._only_reads = False

    def begin(self, *, writes: bool, stop: StopSignal) -> None:
        """Begin a transaction, which `stop` can end; one that does not write is kept from writing.

        Raises:
            sqlite3.OperationalError: another process is writing.
        """
        stop.attach(self)
        self._stop = stop
        # A write transaction takes its lock now: waiting for it later could fail in the middle.
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        if self._only_reads == writes:
            super().cursor().execute(f"PRAGMA query_only={int(not writes)}")
            self._only_reads = not writes
        super().cursor().execute(begin)

    def cursor(self, factory: Any = sqlite3.Cursor) -> Any:
        self._stop.check()
        self.statements += 1
        return super().cursor(factory)

    def foreign_commits(self) -> int:
        """A number that changes when another connection has committed."""
        (version,) = super().cursor().execute("PRAGMA data_version").fetchone()
        return int(version)


@attrs.frozen
class UnitConnection:
    """One connection as SQLAlchemy and as the driver know it."""

    connection: sa.Connection
    raw: LaneConnection

    @classmethod
    def open(
        cls, engine: sa.Engine, connect: Callable[[sa.Engine], sa.Connection] = sa.Engine.connect
    ) -> UnitConnection:
        """Open a connection of an engine made by `sqlite_engine`."""
        connection = connect(engine)
        raw = connection.connection.driver_connection
        assert isinstance(raw, LaneConnection)
        raw.statements = 0  # those so far were SQLAlchemy's questions
        return cls(connection, raw)

    def carry_out(
        self, unit: Callable[[sa.Connection], T], *, writes: bool, stop: StopSignal
    ) -> tuple[T, tuple[str, ...]]:
        """Run the unit as one transaction; its result and the channels it signalled, when committed."""
        self.raw.begin(writes=writes, stop=stop)
        try:
            with self.connection.begin():
                try:
                    result = unit(self.connection)
                finally:
                    stop.settle()
                stop.check()
        finally:
            channels = take_channels(self.connection)
        return result, channels
