"""The native lane: PostgreSQL on whichever loop runs, without threads and with true cancellation.

A unit runs in a greenlet of the calling task, over a connection that suspends the task where another
driver would block the thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import attrs
import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.util.concurrency import greenlet_spawn

from flowcore.database.commits import CHANNEL, CommitLost
from flowcore.database.lanes import BoundUnit
from flowcore.database.native_dialect import (
    OLDEST_SERVER,
    check_versions,
    connection_parameters,
    native_engine,
)
from flowcore.database.native_transaction import NativeConnection
from flowcore.database.postgres import PostgresDatabase
from flowcore.database.postgres_driver import Outcome, connect_and_ask, unavailable
from flowcore.database.statistics import Counters
from flowcore.database.urls import Target
from flowcore.database.wakeups import notes_of, take_channels
from flowcore.errors import SettingsError

T = TypeVar("T")


@asynccontextmanager
async def open_lane(target: Target, *, pool_size: int) -> AsyncIterator[PostgresDatabase]:
    """Open a PostgreSQL database with psycopg.

    Raises:
        SettingsError: the libraries, the server's version or an option of the URL do not fit.
        DatabaseUnavailable: the server did not let us in.
    """
    check_versions()
    database = PostgresDatabase(NativeDriver(target), pool_size=pool_size)
    await database.open()
    try:
        yield database
    finally:
        database.close()


class NativeDriver:
    """Makes connections that wait on the running loop."""

    def __init__(self, target: Target) -> None:
        self.counters = Counters()
        self._target = target
        self._engine = native_engine(target)

    async def connect(self, origin: str) -> NativeUnitConnection:
        try:
            arrival = await greenlet_spawn(connect_and_ask, self._engine)
        except OperationalError as error:
            raise unavailable(self._target, error.orig) from error
        except ProgrammingError as error:
            raise SettingsError(
                f"the database URL cannot be used: {error.orig}; correct its options"
            ) from error
        connection = arrival.connection
        raw = connection.connection.driver_connection
        assert isinstance(raw, NativeConnection)
        if raw.info.server_version < OLDEST_SERVER:
            connection.close()
            raise SettingsError(
                f"the server is PostgreSQL {raw.info.server_version // 10000};"
                f" use {OLDEST_SERVER // 10000} or later"
            )
        raw.server_life = arrival.server_life
        if raw.pgconn.backend_pid != arrival.backend_pid:
            # The next transaction may be another server process's, which has not seen our statements.
            raw.prepare_threshold = None
        raw.counters = self.counters
        self.counters.connections += 1
        return NativeUnitConnection(connection, raw, origin)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[str]]:
        try:
            raw = await NativeConnection.open(connection_parameters(self._target), psycopg.adapters)
            try:
                await greenlet_spawn(raw.execute, f"LISTEN {CHANNEL}")
                yield _notes(raw)
            finally:
                raw.close()
        except (psycopg.OperationalError, OSError) as error:
            raise unavailable(self._target, error) from error


async def _notes(raw: NativeConnection) -> AsyncIterator[str]:
    while True:
        await anyio.wait_readable(raw.pgconn.socket)
        raw.pgconn.consume_input()
        while note := raw.pgconn.notifies():
            yield note.extra.decode()


@attrs.frozen
class NativeUnitConnection:
    """One connection as SQLAlchemy and as the driver know it."""

    connection: sa.Connection
    raw: NativeConnection
    origin: str

    @property
    def is_idle(self) -> bool:
        return self.raw.is_idle and not self.connection.invalidated

    async def carry_out(self, unit: BoundUnit[T], *, writes: bool, notifies: bool) -> Outcome[T]:
        return await greenlet_spawn(self._carry_out, unit, writes, notifies)

    def close(self) -> None:
        self.connection.close()
        self.raw.close()

    def _carry_out(self, unit: BoundUnit[T], writes: bool, notifies: bool) -> Outcome[T]:
        channels: tuple[str, ...] = ()
        self.raw.begin(writes=writes)
        try:
            with self.connection.begin():
                result = unit(self.connection)
                channels = take_channels(self.connection)
                self.raw.notes = notes_of(self.origin, channels) if notifies else []
        except CommitLost as lost:
            return Outcome(result, channels, lost)
        finally:
            if not self.connection.invalidated:
                take_channels(self.connection)  # of a unit that failed
        return Outcome(result, channels)
