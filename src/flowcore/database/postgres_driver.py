"""What `postgres.py` needs of a driver; `native.py` and `asyncpg_lane.py` have one each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, ExitStack
from typing import Generic, Protocol, TypeVar

import attrs
import sqlalchemy as sa

from flowcore.database.commits import CommitLost, ask_server_life
from flowcore.database.lanes import BoundUnit
from flowcore.database.statistics import Counters
from flowcore.database.urls import Target
from flowcore.errors import DatabaseUnavailable

T = TypeVar("T")


@attrs.frozen
class Outcome(Generic[T]):
    """What a unit returned and signalled, and whether its commit was answered."""

    result: T
    channels: tuple[str, ...] = ()
    lost: CommitLost | None = None


class PostgresConnection(Protocol):
    """One connection; it serves one unit at a time."""

    @property
    def is_idle(self) -> bool:
        """Whether another unit can have it."""
        ...

    async def carry_out(self, unit: BoundUnit[T], *, writes: bool, notifies: bool) -> Outcome[T]:
        """Run a unit as one transaction, which `notifies` other processes itself, or leaves that to us.

        Raises:
            sqlalchemy.exc.DBAPIError: a statement failed; nothing was changed.
        """
        ...

    def close(self) -> None:
        """Close it, without waiting."""
        ...


class PostgresDriver(Protocol):
    """How connections are made."""

    counters: Counters

    async def connect(self, origin: str) -> PostgresConnection:
        """Open a connection whose units notify in the name of `origin`.

        Raises:
            DatabaseUnavailable: the server did not let us in.
        """
        ...

    def listening(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Open a connection that hears notifications, and iterate over them.

        Raises:
            DatabaseUnavailable: in between, when the connection is lost; at once, when there is none.
        """
        ...


#: Our statements look up a few rows by their keys among millions. The server's defaults were measured on
#: spinning disks and make it read whole tables of old runs instead; and they let it compile a plan for 0.1 s
#: that is carried out in a millisecond. And a unit never waits between its statements, so a session that
#: does is of a process that stands still, or of a machine that is gone: after ten seconds the server ends it,
#: or it would hold locks that all others wait for. These are no start-up options: PgBouncer refuses those.
SESSION_SETTINGS = (
    "SELECT set_config('random_page_cost', '1.1', false), set_config('jit', 'off', false),"
    " set_config('idle_in_transaction_session_timeout', '10s', false)"
)


#: Who answers: a pooler shows its clients a number of its own in place of the server process's.
_ASK_WHO = "SELECT pg_backend_pid()"


@attrs.frozen
class Arrival:
    """A new connection, the life of the server that it was made in, and the server process behind it."""

    connection: sa.Connection
    server_life: str
    backend_pid: int


def connect_and_ask(engine: sa.Engine) -> Arrival:
    """Make a connection and ask where it has led."""
    connection = engine.connect()
    with ExitStack() as unless_asked:
        unless_asked.callback(connection.close)
        with connection.begin():
            connection.execute(sa.text(SESSION_SETTINGS))
            server_life = ask_server_life(connection)
            backend_pid: int = connection.scalar(sa.text(_ASK_WHO)) or 0
        unless_asked.pop_all()
    return Arrival(connection, server_life, backend_pid)


def unavailable(target: Target, error: BaseException | None) -> DatabaseUnavailable:
    """The error for a server that does not let us in, with what the driver says about it."""
    said = " ".join(str(error).split())  # on one line
    return DatabaseUnavailable(
        f"{target} cannot be reached: {said}; start the server, or correct the database URL"
    )
