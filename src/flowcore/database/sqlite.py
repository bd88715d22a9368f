"""The thread lane: SQLite files with one writer thread and a few reader threads.

Several processes may use one file (two schedulers may not; a lease sees to that). Nobody blocks a
thread waiting for another process's lock: the unit is tried again after a pause on the loop. A
memory database has one connection, in one thread, for writing and for reading.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TypeVar

import anyio
import attrs
import sqlalchemy as sa
from anyio.abc import TaskStatus
from sqlalchemy.exc import OperationalError

from flowcore.clock import Clock
from flowcore.database.lanes import BoundUnit, Database, P, Unit, bind_arguments
from flowcore.database.pauses import pauses
from flowcore.database.sqlite_engine import Synchronous, sqlite_engine
from flowcore.database.sqlite_units import StopSignal, UnitConnection
from flowcore.database.statistics import Counters, Statistics
from flowcore.database.thread_lane import ThreadLane
from flowcore.database.urls import Target
from flowcore.database.wakeups import Wakeups
from flowcore.errors import DatabaseUnavailable

T = TypeVar("T")

READERS = 2
#: Seconds that a unit waits for another process to finish writing.
LOCK_PATIENCE_S = 30.0
#: Seconds between two looks for commits of other processes.
WATCH_INTERVAL_S = 0.02
#: Bytes at the start of the WAL index, which every commit to the file changes.
WAL_INDEX_HEADER = 48


@asynccontextmanager
async def open_sqlite(
    target: Target, *, clock: Clock, synchronous: Synchronous
) -> AsyncIterator[SqliteDatabase]:
    """Open a SQLite file, or a memory database, for this process.

    Raises:
        SettingsError: the file cannot be used.
    """
    engine = sqlite_engine(target, clock=clock, synchronous=synchronous)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(_open_lane(engine, "flowcore sqlite writer"))
        readers = [writer]
        if not target.is_memory:
            names = (f"flowcore sqlite reader {number}" for number in range(READERS))
            readers = [await stack.enter_async_context(_open_lane(engine, name)) for name in names]
        yield SqliteDatabase(target, writer, readers)


@asynccontextmanager
async def _open_lane(engine: sa.Engine, name: str) -> AsyncIterator[_Lane]:
    thread = ThreadLane(name)
    try:
        unit_connection = await thread.call(partial(UnitConnection.open, engine), stop=_never)
        try:
            yield _Lane(thread, unit_connection)
        finally:
            with anyio.CancelScope(shield=True):  # closing ends by itself, at the latest with a checkpoint
                await thread.call(unit_connection.connection.close, stop=_never)
    finally:
        thread.close()


@attrs.frozen
class _Lane:
    """A thread and the connection that only it uses."""

    thread: ThreadLane
    unit_connection: UnitConnection

    async def carry_out(self, unit: BoundUnit[T], *, writes: bool) -> tuple[T, tuple[str, ...]]:
        stop = StopSignal()
        call = partial(self.unit_connection.carry_out, unit, writes=writes, stop=stop)
        return await self.thread.call(call, stop=stop.request)


class SqliteDatabase(Database):
    """A SQLite database whose units run in threads. Made by `open_sqlite`."""

    dialect_name = "sqlite"

    def __init__(self, target: Target, writer: _Lane, readers: list[_Lane]) -> None:
        self.wakeups = Wakeups()
        self._target = target
        self._writer = writer
        self._write_slot = anyio.Semaphore(1, fast_acquire=True)
        self._idle_readers = list(readers)
        # Where the writer is also the reader, they share its slot as well.
        shared = writer in readers
        self._read_slots = self._write_slot if shared else anyio.Semaphore(len(readers), fast_acquire=True)
        self._raws = {lane.unit_connection.raw for lane in (writer, *readers)}
        self._counters = Counters(connections=len(self._raws))

    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._one_of(self._write_slot):
            bound = bind_arguments(unit, *args, **kwargs)
            result, channels = await self._until_unlocked(self._writer, bound, writes=True)
        for channel in channels:
            self.wakeups.set(channel)
        return result

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._one_of(self._read_slots):
            reader = self._idle_readers.pop()
            try:
                bound = bind_arguments(unit, *args, **kwargs)
                result, _ = await self._until_unlocked(reader, bound, writes=False)
            finally:
                self._idle_readers.append(reader)
        return result

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        seen = await self._foreign_commits()
        task_status.started()
        async with aclosing(self._changes()) as changes:
            async for _ in changes:
                commits = await self._foreign_commits()
                if commits != seen:
                    seen = commits
                    self.wakeups.set_all()

    def statistics(self) -> Statistics:
        self._counters.statements = sum(raw.statements for raw in self._raws)
        return self._counters.snapshot()

    def _one_of(self, slots: anyio.Semaphore) -> anyio.Semaphore:
        self._counters.waits += slots.value == 0
        return slots

    async def _until_unlocked(
        self, lane: _Lane, unit: BoundUnit[T], *, writes: bool
    ) -> tuple[T, tuple[str, ...]]:
        deadline = anyio.current_time() + LOCK_PATIENCE_S
        for pause_s in pauses(0.0005, longest_s=0.02):
            self._counters.transactions += 1
            try:
                return await lane.carry_out(unit, writes=writes)
            except (sqlite3.OperationalError, OperationalError) as error:
                if _code(error) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                    raise DatabaseUnavailable(
                        f"{self._target} cannot be written ({_original(error)});"
                        " make room on its disk, or mend it"
                    ) from error
                if not _is_locked(error):
                    raise
                if anyio.current_time() > deadline:
                    raise DatabaseUnavailable(
                        f"another process has been writing to {self._target} for {LOCK_PATIENCE_S:.0f} s;"
                        " find it with `fuser` and stop it, or let it finish"
                    ) from error
            self._counters.retries += 1
            await anyio.sleep(pause_s)
        raise AssertionError("pauses never end")

    async def _foreign_commits(self) -> int:
        async with self._write_slot:
            # Asked on the writer's connection, to which our own commits do not count.
            return await self._writer.thread.call(
                self._writer.unit_connection.raw.foreign_commits, stop=_never
            )

    async def _changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the file has changed, whoever changed it; never for a memory database."""
        if self._target.is_memory:
            await anyio.sleep_forever()
        index = os.open(f"{self._target.sqlite_path}-shm", os.O_RDONLY)
        try:
            seen = b""
            while True:
                # Two microseconds and no lock, so the loop's thread may do it.
                header = os.pread(index, WAL_INDEX_HEADER, 0)
                if header != seen:
                    seen = header
                    yield
                await anyio.sleep(WATCH_INTERVAL_S)
        finally:
            os.close(index)


def _is_locked(error: sqlite3.OperationalError | OperationalError) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: sqlite3.OperationalError | OperationalError) -> int:
    return getattr(_original(error), "sqlite_errorcode", 0) & 0xFF  # the rest says why, which is all the same


def _original(error: sqlite3.OperationalError | OperationalError) -> BaseException | None:
    return error.orig if isinstance(error, OperationalError) else error


def _never() -> None:
    """What is called here is over at once and is not stopped."""
