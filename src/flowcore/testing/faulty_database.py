"""A database that fails when told to: before a commit, or after it without an answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa
from anyio.abc import TaskStatus

from flowcore.database.lanes import Database, P, Unit, bind_arguments
from flowcore.database.statistics import Statistics
from flowcore.errors import CommitUnknown, DatabaseUnavailable

T = TypeVar("T")


class DatabaseFault(StrEnum):
    """What goes wrong with a unit of work."""

    BEFORE_COMMIT = "before_commit"  # it was carried out and rolled back
    AFTER_COMMIT = "after_commit"  # it was committed, and nobody was told


class FaultyDatabase(Database):
    """One process's connection to a database that several share; its next unit fails as `fault` says."""

    def __init__(self, database: Database) -> None:
        self.dialect_name, self.wakeups = database.dialect_name, database.wakeups
        self.fault: DatabaseFault | None = None
        self._database = database

    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        fault, self.fault = self.fault, None
        bound = bind_arguments(unit, *args, **kwargs)
        if fault is DatabaseFault.BEFORE_COMMIT:
            return await self._database.run(_failing(bound))
        result = await self._database.run(bound)
        if fault is DatabaseFault.AFTER_COMMIT:
            raise CommitUnknown("a simulated fault: the commit was not answered; wait for the database")
        return result

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.read(unit, *args, **kwargs)

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        await self._database.serve(task_status=task_status)

    def statistics(self) -> Statistics:
        return self._database.statistics()


def _failing(unit: Callable[[sa.Connection], T]) -> Callable[[sa.Connection], T]:
    def unit_that_fails(connection: sa.Connection) -> T:
        unit(connection)
        raise DatabaseUnavailable("a simulated fault: the connection was lost; wait for the database")

    return unit_that_fails
