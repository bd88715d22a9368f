"""What a database lane promises; `open_database` in `engine.py` chooses one.

A unit of work is a plain function `unit(connection, *args)` of a SQLAlchemy connection, and one
transaction. It never awaits, and it is safe to run again from its start: a function of the database
and its arguments, without other effects. Its caller learns exactly one of: a result (it committed),
an exception or cancellation (it rolled back), or `CommitUnknown`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import attrs
import sqlalchemy as sa
from anyio.abc import TaskStatus

from flowcore.database.wakeups import Wakeups

T = TypeVar("T")
P = ParamSpec("P")

Unit = Callable[Concatenate[sa.Connection, P], T]


@attrs.frozen
class Statistics:
    """What a database did since it was opened."""

    transactions: int = 0
    """Units begun, each retry included."""
    retries: int = 0
    """Units run again, because they lost a race or their connection."""
    statements: int = 0
    """Statements that units executed; BEGIN, COMMIT and the like not counted."""
    round_trips: int = 0
    """Times that a unit waited for the server's answer; nothing on SQLite, which has no server."""
    connections: int = 0
    """Connections made."""
    waits: int = 0
    """Units that had to wait for a connection, because all were in use."""


class Database(ABC):
    """One database as this process uses it. Use it on one event loop only."""

    dialect_name: str
    """`postgresql` or `sqlite`."""
    wakeups: Wakeups

    @abstractmethod
    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `unit(connection, *args)` as one transaction and commit it.

        What certainly did not happen is tried again for some seconds: no connection, a lost race.

        Raises:
            DatabaseUnavailable: no connection could be had; nothing was changed.
            CommitUnknown: the connection was lost during the commit and so was its answer.
        """

    @abstractmethod
    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a unit that only reads, all of it on one consistent state of the database.

        Cheaper than `run`, and it does not wait for writers. A write in it is an error.

        Raises:
            DatabaseUnavailable: no connection could be had.
        """

    @abstractmethod
    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Hear the commits of other processes and set `wakeups`, until cancelled.

        Survives lost connections; after a gap every channel is set.
        """

    @abstractmethod
    def statistics(self) -> Statistics:
        """Counts so far; subtract two of them to learn what happened in between."""
