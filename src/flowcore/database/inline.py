"""The inline lane: a SQLite memory database whose units run in the caller, without a thread.

For simulations and property tests: in virtual time a thread would be a second clock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
import sqlalchemy as sa
from anyio.abc import TaskStatus
from anyio.lowlevel import checkpoint
from sqlalchemy.exc import OperationalError

from flowcore.clock import Clock
from flowcore.database.direct_connection import DirectConnection
from flowcore.database.lanes import BoundUnit, Database, P, Unit, bind_arguments
from flowcore.database.sqlite_engine import Synchronous, sqlite_engine
from flowcore.database.sqlite_units import StopSignal, UnitConnection
from flowcore.database.statistics import Counters, Statistics
from flowcore.database.urls import Target
from flowcore.database.wakeups import Wakeups
from flowcore.errors import SettingsError

T = TypeVar("T")


@asynccontextmanager
async def open_inline(
    target: Target, *, clock: Clock, synchronous: Synchronous
) -> AsyncIterator[InlineDatabase]:
    """Open a memory database for the inline lane.

    Raises:
        SettingsError: the database is not in memory, so that a unit could block the loop.
    """
    if not target.is_memory:
        raise SettingsError(
            f"{target} cannot be used inline; use sqlite:///:memory: or leave out inline=True"
        )
    engine = sqlite_engine(target, clock=clock, synchronous=synchronous)
    unit_connection = UnitConnection.open(engine, DirectConnection)
    try:
        yield InlineDatabase(unit_connection)
    finally:
        unit_connection.connection.close()


class InlineDatabase(Database):
    """A memory database in the event loop's thread. Made by `open_inline`."""

    dialect_name = "sqlite"

    def __init__(self, unit_connection: UnitConnection) -> None:
        self.wakeups = Wakeups()
        self._unit_connection = unit_connection
        self._counters = Counters(connections=1)

    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        result, channels = await self._carry_out(bind_arguments(unit, *args, **kwargs))
        for channel in channels:
            self.wakeups.set(channel)
        return result

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        result, _ = await self._carry_out(self._only_reading(bind_arguments(unit, *args, **kwargs)))
        return result

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        await anyio.sleep_forever()  # no other process can see this database

    def statistics(self) -> Statistics:
        self._counters.statements = self._unit_connection.raw.statements
        return self._counters.snapshot()

    async def _carry_out(self, unit: BoundUnit[T]) -> tuple[T, tuple[str, ...]]:
        await checkpoint()  # before the unit: a cancellation after it would deny its commit
        self._counters.transactions += 1
        return self._unit_connection.carry_out(unit, writes=True, stop=StopSignal())

    def _only_reading(self, unit: BoundUnit[T]) -> BoundUnit[T]:
        """Return the unit as one that fails if it writes.

        The other lanes tell SQLite so, which then prepares all statements of the connection anew.
        """
        raw = self._unit_connection.raw

        def only_reading(connection: sa.Connection) -> T:
            changes = raw.total_changes
            result = unit(connection)
            if raw.total_changes != changes:
                refusal = sqlite3.OperationalError(
                    "a read-only unit has written; use run() in place of read()"
                )
                raise OperationalError(None, None, refusal)
            return result

        return only_reading
