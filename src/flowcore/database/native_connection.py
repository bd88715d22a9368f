"""A psycopg connection that waits on the running loop and spends few round trips on a unit.

psycopg's synchronous connection passes every exchange with the server to one method, `wait`. Ours
suspends the calling task where the original blocks its thread, and therefore works inside of
SQLAlchemy's `greenlet_spawn` only. What is sent, and together with what, is in `native_transaction.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import anyio
import psycopg
from anyio.lowlevel import checkpoint
from psycopg import errors, pq
from psycopg._conninfo_attempts import conninfo_attempts
from psycopg.abc import AdaptContext, PQGen
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict, make_conninfo, timeout_from_conninfo
from psycopg.waiting import Wait
from sqlalchemy.util.concurrency import await_

from flowcore.database.native_waiting import drive, drive_connecting

T = TypeVar("T")
Row = tuple[Any, ...]

#: Seconds that a cancelled statement may take to end before its connection is closed instead.
CANCEL_GRACE_S = 5.0
CANCEL_INTERVAL_S = 0.1


class LoopConnection(psycopg.Connection[Row]):
    """A connection whose waits are those of the running loop. It serves one unit at a time."""

    def __init__(self, pgconn: pq.abc.PGconn, *args: Any, **kwargs: Any) -> None:
        super().__init__(pgconn, *args, **kwargs)
        self.lock = _OneAtATime()  # type: ignore[assignment]

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if anyio.current_effective_deadline() == -math.inf:
            await_(checkpoint())  # cancelled between two statements: raises before anything is sent
        try:
            want = next(gen)
        except StopIteration as stop:
            result: T = stop.value
            return result
        return await_(self._finish(gen, want))

    async def _finish(self, gen: PQGen[T], want: Wait) -> T:
        try:
            return await drive(gen, self.pgconn.socket, want)
        except OSError as error:
            self.pgconn.finish()
            raise errors.OperationalError("the connection's socket was closed") from error
        except anyio.get_cancelled_exc_class():
            if self._is_busy():
                await self._stop(gen)
            raise

    def _is_busy(self) -> bool:
        active = pq.TransactionStatus.ACTIVE
        return self.pgconn.status == pq.ConnStatus.OK and self.pgconn.transaction_status == active

    async def _stop(self, gen: PQGen[Any]) -> None:
        """Have the server stop, then read its answers, so that the connection stays usable."""
        with anyio.move_on_after(CANCEL_GRACE_S, shield=True):
            try:
                while self._is_busy():
                    await self._ask_to_stop(gen)
            except (errors.Error, OSError, StopIteration):
                pass  # "canceling statement due to user request", or the connection is gone
        if self._is_busy():
            self.pgconn.finish()

    async def _ask_to_stop(self, gen: PQGen[Any]) -> None:
        # Again and again: the server ignores a request that overtakes the statement.
        await drive_connecting(self._cancel_gen())
        if self._pipeline is not None:
            self.pgconn.finish()  # a batch has no end that could be read
            return
        with anyio.move_on_after(CANCEL_INTERVAL_S):
            await drive(gen, self.pgconn.socket, gen.send(0))

    @classmethod
    async def open(cls, params: Mapping[str, Any], context: AdaptContext) -> Self:
        """Connect with libpq's `params`, trying each host and each of its addresses in turn.

        Raises:
            psycopg.OperationalError: none of them let us in; the error of the last one.
        """
        conninfo = conninfo_to_dict("", **params)
        timeout_s = timeout_from_conninfo(conninfo)
        # In a thread: it may look host names up.
        attempts = await anyio.to_thread.run_sync(conninfo_attempts, conninfo)
        for last, attempt in zip(_last_is_true(len(attempts)), attempts, strict=True):
            try:
                connection = await cls._connect_once(make_conninfo("", **attempt), timeout_s)
            except errors.OperationalError:
                if last:
                    raise
            else:
                connection._adapters = AdaptersMap(context.adapters)
                return connection
        raise AssertionError("psycopg returns one address at least, or raises")

    @classmethod
    async def _connect_once(cls, conninfo: str, timeout_s: float) -> Self:
        connection = None
        try:
            with anyio.move_on_after(timeout_s):
                connection = await drive_connecting(cls._connect_gen(conninfo))
        except OSError as error:
            raise errors.OperationalError(str(error)) from error
        if connection is None:
            raise errors.ConnectionTimeout(f"no answer within {timeout_s} s")
        return connection


def _last_is_true(length: int) -> list[bool]:
    return [False] * (length - 1) + [True]


class ConcurrentUse(RuntimeError):
    """Two tasks used one connection at once; a unit kept its connection for later."""


class _OneAtATime:
    """In place of psycopg's lock: on one thread, waiting for it would wait forever."""

    def __init__(self) -> None:
        self._held = False

    def __enter__(self) -> bool:
        if self._held:
            raise ConcurrentUse(
                "a connection belongs to one unit; let the unit return values, not its connection"
            )
        self._held = True
        return True

    def __exit__(self, *exc_info: object) -> None:
        self._held = False
