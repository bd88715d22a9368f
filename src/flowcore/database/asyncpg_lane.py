"""The asyncpg lane: PostgreSQL by asyncpg, for those who ask for it with `postgresql+asyncpg://`.

asyncpg runs on asyncio only; under trio such a URL is served by the native lane. Both keep the same
promises. This one needs a round trip more for BEGIN and for the transaction's id.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import asyncpg
import attrs
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.util.concurrency import greenlet_spawn

from flowcore.database.asyncpg_options import connect_arguments
from flowcore.database.commits import CHANNEL, CommitLost, commit_shield, is_refusal
from flowcore.database.lanes import BoundUnit
from flowcore.database.postgres import PostgresDatabase
from flowcore.database.postgres_driver import Outcome, connect_and_ask, unavailable
from flowcore.database.statistics import Counters
from flowcore.database.urls import Target
from flowcore.database.wakeups import notes_of, take_channels
from flowcore.errors import SettingsError

T = TypeVar("T")

#: Seconds that a connection has to recover from a cancellation.
RECOVERY_S = 5.0

_SEAL = sa.text(
    "SELECT CAST(pg_current_xact_id_if_assigned() AS text)"
    f" FROM (SELECT count(pg_notify('{CHANNEL}', note)) FROM unnest(CAST(:notes AS text[])) note) sent"
)


@asynccontextmanager
async def open_lane(target: Target, *, pool_size: int) -> AsyncIterator[PostgresDatabase]:
    """Open a PostgreSQL database with asyncpg, on an asyncio loop.

    Raises:
        SettingsError: an option of the URL has no meaning for asyncpg.
        DatabaseUnavailable: the server did not let us in.
    """
    database = PostgresDatabase(AsyncpgDriver(target), pool_size=pool_size)
    await database.open()
    try:
        yield database
    finally:
        database.close()


class AsyncpgDriver:
    """Makes asyncpg's connections, and SQLAlchemy's over them."""

    def __init__(self, target: Target) -> None:
        self.counters = Counters()
        self._target = target
        self._arguments = connect_arguments(target)
        self._engine = sa.create_engine(
            "postgresql+asyncpg://",
            connect_args=self._arguments,
            poolclass=NullPool,
            pool_reset_on_return=None,
        )
        event.listen(self._engine, "before_cursor_execute", self._count_statement)
        event.listen(self._engine, "handle_error", _keep_connection)

    async def connect(self, origin: str) -> AsyncpgUnitConnection:
        try:
            # Shielded for the few seconds of asyncpg's own timeout: a cancelled attempt leaves futures
            # behind whose exceptions nobody retrieves.
            with anyio.CancelScope(shield=True):
                arrival = await greenlet_spawn(connect_and_ask, self._engine)
        except (DBAPIError, asyncpg.PostgresError, OSError, TimeoutError) as error:
            raise unavailable(self._target, getattr(error, "orig", error)) from error
        connection = arrival.connection
        raw = connection.connection.driver_connection
        assert isinstance(raw, asyncpg.Connection)
        if raw.get_server_pid() != arrival.backend_pid:
            AsyncpgUnitConnection(connection, raw, origin, "", self.counters).close()
            raise SettingsError(
                f"{self._target} is a pooler such as PgBouncer, behind which asyncpg loses its prepared"
                " statements; leave +asyncpg out of the database URL"
            )
        self.counters.connections += 1
        return AsyncpgUnitConnection(connection, raw, origin, arrival.server_life, self.counters)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[AsyncIterator[str]]:
        heard, notes = anyio.create_memory_object_stream[str](math.inf)

        def hear(connection: object, backend: int, channel: str, note: str) -> None:
            heard.send_nowait(note)

        raw = None
        try:
            raw = await asyncpg.connect(**self._arguments)
            raw.add_termination_listener(lambda connection: heard.close())
            await raw.add_listener(CHANNEL, hear)
            with notes, heard:
                yield notes
            raise unavailable(self._target, ConnectionError("the listening connection was lost"))
        except (asyncpg.PostgresError, OSError, TimeoutError) as error:
            raise unavailable(self._target, error) from error
        finally:
            if raw is not None:
                raw.terminate()

    def _count_statement(self, *of_statement: object) -> None:
        self.counters.statements += 1


@attrs.frozen
class AsyncpgUnitConnection:
    """One connection, and how a unit is carried out on it."""

    connection: sa.Connection
    raw: asyncpg.Connection
    origin: str
    server_life: str
    counters: Counters

    @property
    def is_idle(self) -> bool:
        return not self.connection.invalidated and not self.raw.is_closed()

    async def carry_out(self, unit: BoundUnit[T], *, writes: bool, notifies: bool) -> Outcome[T]:
        try:
            return await greenlet_spawn(self._carry_out, unit, writes, notifies)
        except anyio.get_cancelled_exc_class():
            await self._recover()
            raise

    def close(self) -> None:
        self._discard()
        self.connection.close()

    async def _recover(self) -> None:
        """Bring a connection whose unit was cancelled back to a known state, else close it."""
        # Where BEGIN was cancelled, asyncpg believes itself in a transaction until it is reset.
        with commit_shield():
            try:
                await self.raw.reset(timeout=RECOVERY_S)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                self._discard()

    def _discard(self) -> None:
        if not self.connection.invalidated:
            self.connection.invalidate()  # outside of a greenlet this closes the socket and waits for nothing

    def _carry_out(self, unit: BoundUnit[T], writes: bool, notifies: bool) -> Outcome[T]:
        adapted = self.connection.connection.dbapi_connection
        assert adapted is not None
        dialect = self.connection.dialect
        dialect.set_isolation_level(adapted, "READ COMMITTED" if writes else "REPEATABLE READ")
        dialect.set_readonly(adapted, not writes)  # type: ignore[attr-defined]
        transaction = self.connection.begin()
        try:
            result = unit(self.connection)
            channels = take_channels(self.connection)
            transaction_id = self._seal(channels if notifies else ()) if writes else None
            return Outcome(result, channels, self._commit(transaction, transaction_id))
        finally:
            if not self.connection.invalidated:
                take_channels(self.connection)  # of a unit that failed
            if transaction.is_active and not self.raw.is_closed():
                with commit_shield():
                    transaction.rollback()

    def _seal(self, channels: tuple[str, ...]) -> str | None:
        notes = notes_of(self.origin, channels)
        transaction_id: str | None = self.connection.scalar(_SEAL, {"notes": notes})
        self.counters.statements -= 1  # not the unit's own
        return transaction_id

    def _commit(self, transaction: sa.RootTransaction, transaction_id: str | None) -> CommitLost | None:
        scope = commit_shield()
        try:
            with scope:
                transaction.commit()
                return None
        except DBAPIError as error:
            if is_refusal(getattr(error.orig, "sqlstate", None)):
                raise
        # No answer, or one that says nothing: this connection has nothing more to tell.
        self.raw.terminate()
        return CommitLost(transaction_id, self.server_life)


def _keep_connection(context: ExceptionContext) -> None:
    # SQLAlchemy would close the connection gracefully, in a task that nobody waits for.
    if not isinstance(context.original_exception, Exception):
        context.is_disconnect = False
