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

import sqlalchemy as sa
from anyio.abc import TaskStatus

from flowcore.database.statistics import Statistics
from flowcore.database.wakeups import Wakeups

T = TypeVar("T")
P = ParamSpec("P")

Unit = Callable[Concatenate[sa.Connection, P], T]
#: A unit whose arguments are bound, as the lanes pass it on.
BoundUnit = Callable[[sa.Connection], T]


def bind_arguments(unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> BoundUnit[T]:
    """The unit as a function of the connection alone."""
    return lambda connection: unit(connection, *args, **kwargs)


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

    async def run_apart(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the same for a short unit that must not stand in line behind others, which may wait for locks.

        One at a time. Raises as `run`.
        """
        return await self.run(unit, *args, **kwargs)

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
        """What was done so far; `Statistics.since` says what happened in between."""
