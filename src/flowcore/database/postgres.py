"""Units of work on PostgreSQL, whatever the driver: connections kept, races tried again, fates found out.

`native.py` and `asyncpg_lane.py` are the two drivers, each a `PostgresDriver`.
"""

from __future__ import annotations

import secrets
from typing import TypeVar

import anyio
from anyio.abc import TaskStatus
from sqlalchemy.exc import DBAPIError

from flowcore.database.commits import CommitLost, Fate, ask_fate
from flowcore.database.lanes import BoundUnit, Database, P, Unit, bind_arguments
from flowcore.database.pauses import pauses
from flowcore.database.postgres_driver import Outcome, PostgresConnection, PostgresDriver
from flowcore.database.postgres_errors import did_not_happen, why_unavailable
from flowcore.database.statistics import Statistics
from flowcore.database.wakeups import Wakeups, notes_of, notify_others
from flowcore.errors import CommitUnknown, DatabaseUnavailable

T = TypeVar("T")

#: Seconds during which what did not happen is tried again: as long as a server's restart.
PATIENCE_S = 10.0
#: Seconds to find out what became of a commit without an answer, during which nobody can be cancelled.
FATE_PATIENCE_S = 30.0
#: Seconds for which wake-ups are gathered before other processes hear of them. They take nothing up sooner
#: than that, and most likely it was taken up here by then: they would only wait for our locks.
GATHER_S = 0.01
#: Seconds that the last wake-ups of a process may take to be sent.
_LAST_NEWS_S = 0.5


class PostgresDatabase(Database):
    """A PostgreSQL database as this process uses it."""

    dialect_name = "postgresql"

    def __init__(
        self,
        driver: PostgresDriver,
        *,
        pool_size: int,
        patience_s: float = PATIENCE_S,
        fate_patience_s: float = FATE_PATIENCE_S,
    ) -> None:
        self.wakeups = Wakeups()
        self._driver = driver
        self._counters = driver.counters
        self._slots = anyio.Semaphore(pool_size, fast_acquire=True)
        self._slot_apart = anyio.Semaphore(1, fast_acquire=True)
        self._patience_s = patience_s
        self._fate_patience_s = fate_patience_s
        self._idle: list[PostgresConnection] = []
        self._is_serving = False
        self._untold: set[str] = set()
        self._has_news = anyio.Event()
        self._origin = secrets.token_hex(4)  # tells our own notifications from those of others

    async def open(self) -> None:
        """Make the first connection, so that what is wrong shows now.

        Raises:
            DatabaseUnavailable: the server did not let us in.
        """
        self._idle.append(await self._driver.connect(self._origin))

    def close(self) -> None:
        """Close the connections; no unit may be running."""
        while self._idle:
            self._idle.pop().close()

    async def run(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._until_done(bind_arguments(unit, *args, **kwargs), self._slots, writes=True)

    async def run_apart(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._until_done(bind_arguments(unit, *args, **kwargs), self._slot_apart, writes=True)

    async def read(self, unit: Unit[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._until_done(bind_arguments(unit, *args, **kwargs), self._slots, writes=False)

    def statistics(self) -> Statistics:
        return self._counters.snapshot()

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        self._is_serving = True
        try:
            async with anyio.create_task_group() as nursery:
                nursery.start_soon(self._tell_others)
                await self._listen(task_status)
        finally:
            self._is_serving = False
            with anyio.move_on_after(_LAST_NEWS_S, shield=True):
                await self._tell()

    async def _tell_others(self) -> None:
        """Notify other processes of what was woken here: not in each commit, for these stand in line then."""
        rests = pauses(0.05, longest_s=5)
        while True:
            await self._has_news.wait()
            self._has_news = anyio.Event()
            await anyio.sleep(GATHER_S)
            if await self._tell():
                rests = pauses(0.05, longest_s=5)
            else:
                await anyio.sleep(next(rests))
                self._has_news.set()

    async def _tell(self) -> bool:
        channels, self._untold = self._untold, set()
        try:
            if channels:
                notify = bind_arguments(notify_others, notes_of(self._origin, sorted(channels)))
                await self._once(notify, self._slots, writes=True)
        except (DatabaseUnavailable, DBAPIError):
            self._untold |= channels
            return False
        return True

    async def _listen(self, task_status: TaskStatus[None]) -> None:
        started = False
        rests = pauses(0.05, longest_s=5)
        while True:
            try:
                async with self._driver.listening() as notes:
                    rests = pauses(0.05, longest_s=5)
                    self.wakeups.set_all()  # signals may have been missed so far
                    if not started:
                        started = True
                        task_status.started()
                    async for note in notes:
                        self._hear(note)
            except DatabaseUnavailable:  # the units in the foreground say so, this goes on trying
                rest_s = next(rests)
            await anyio.sleep(rest_s)

    def _hear(self, note: str) -> None:
        origin, _, channel = note.partition(" ")
        if origin != self._origin:
            self.wakeups.set(channel)

    async def _until_done(self, unit: BoundUnit[T], slots: anyio.Semaphore, *, writes: bool) -> T:
        deadline = anyio.current_time() + self._patience_s
        for pause_s in pauses(0.002, longest_s=0.5):
            outcome = await self._try(unit, slots, writes=writes, deadline=deadline)
            if outcome is not None:
                self._wake(outcome.channels)
                return outcome.result
            self._counters.retries += 1
            await anyio.sleep(pause_s)
        raise AssertionError("pauses never end")

    def _wake(self, channels: tuple[str, ...]) -> None:
        for channel in channels:
            self.wakeups.set(channel)
        if channels and self._is_serving:
            self._untold.update(channels)
            self._has_news.set()

    async def _try(
        self, unit: BoundUnit[T], slots: anyio.Semaphore, *, writes: bool, deadline: float
    ) -> Outcome[T] | None:
        """Run the unit once; None when it certainly did not happen and should be run again."""
        try:
            outcome = await self._once(unit, slots, writes=writes)
        except DatabaseUnavailable:
            if anyio.current_time() > deadline:
                raise
            return None
        except DBAPIError as error:
            if reason := why_unavailable(error, writes=writes):
                # Not tried again at once: it does not come back in seconds, and others need what is left.
                self.close()
                raise DatabaseUnavailable(reason) from error
            if not did_not_happen(error):
                raise
            if anyio.current_time() > deadline:
                raise DatabaseUnavailable(
                    f"the database undid a unit again and again for {self._patience_s:g} s: {error.orig};"
                    " look for long transactions in pg_stat_activity, or for a server that restarts"
                ) from error
            return None
        if outcome.lost is None or await self._was_committed(outcome.lost):
            return outcome
        return None

    async def _once(self, unit: BoundUnit[T], slots: anyio.Semaphore, *, writes: bool) -> Outcome[T]:
        self._counters.waits += slots.value == 0
        async with slots:
            # The one used last: its caches are warm, and its server process too.
            connection = self._idle.pop() if self._idle else await self._driver.connect(self._origin)
            self._counters.transactions += 1
            try:
                return await connection.carry_out(unit, writes=writes, notifies=not self._is_serving)
            finally:
                if connection.is_idle:
                    self._idle.append(connection)
                else:
                    connection.close()

    async def _was_committed(self, lost: CommitLost) -> bool:
        if lost.transaction_id is None:
            return False  # it wrote nothing, so running it again does no harm
        # Shielded, because a cancellation here would claim that the unit was rolled back.
        with anyio.move_on_after(self._fate_patience_s, shield=True):
            for pause_s in pauses(0.005, longest_s=0.5):
                fate = await self._ask_fate(lost.transaction_id, lost.server_life)
                if fate in (Fate.COMMITTED, Fate.ABORTED):
                    return fate is Fate.COMMITTED
                await anyio.sleep(pause_s)
        raise CommitUnknown(
            "the connection was lost during a commit, and nobody could say what became of it for"
            f" {self._fate_patience_s:g} s;"
            f" ask the server with SELECT pg_xact_status('{lost.transaction_id}')"
        ) from lost

    async def _ask_fate(self, transaction_id: str, server_life: str) -> Fate | None:
        ask = bind_arguments(ask_fate, transaction_id, server_life)
        try:
            outcome = await self._once(ask, self._slots, writes=False)
        except (DatabaseUnavailable, DBAPIError):
            return None
        return outcome.result
