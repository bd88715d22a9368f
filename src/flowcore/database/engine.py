"""Open a database: the one door to the lanes, which `lanes.py` describes."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, cast

from anyio.lowlevel import current_token

from flowcore.clock import Clock, SystemClock
from flowcore.database.inline import open_inline
from flowcore.database.lanes import Database as Database
from flowcore.database.sqlite import open_sqlite
from flowcore.database.sqlite_engine import Synchronous
from flowcore.database.statistics import Statistics as Statistics
from flowcore.database.urls import Driver, Target, parse_url
from flowcore.errors import SettingsError


@asynccontextmanager
async def open_database(
    url: str,
    *,
    pool_size: int = 8,
    clock: Clock | None = None,
    synchronous: Synchronous = "NORMAL",
    inline: bool = False,
) -> AsyncIterator[Database]:
    """Open the database at `url` for the duration of the block.

    Args:
        url: `sqlite:///flow.db`, `postgresql://user@host/name`, or another spelling that `urls.py` lists.
        pool_size: PostgreSQL connections at most, besides one that listens and one that renews leases.
        clock: what `database_now()` tells on SQLite, in place of the system's clock.
        synchronous: on SQLite, FULL keeps the last commits through a power cut, at a price.
        inline: run units in the caller, without threads; for SQLite in memory only.

    Raises:
        SettingsError: the URL cannot be used, or its driver is not installed.
        DatabaseUnavailable: the server did not answer.
    """
    target = parse_url(url)
    async with _lane(target, pool_size, clock or SystemClock(), synchronous, inline) as database:
        yield database


def _lane(
    target: Target, pool_size: int, clock: Clock, synchronous: Synchronous, inline: bool
) -> AbstractAsyncContextManager[Database]:
    if inline:
        return open_inline(target, clock=clock, synchronous=synchronous)
    if target.driver is Driver.SQLITE:
        return open_sqlite(target, clock=clock, synchronous=synchronous)
    # asyncpg needs asyncio; elsewhere psycopg serves the same URL.
    if target.driver is Driver.ASYNCPG and current_token().backend_class.__module__.endswith("_asyncio"):
        return _optional_lane("asyncpg_lane", extra="asyncpg").open_lane(target, pool_size=pool_size)
    return _optional_lane("native", extra="postgres").open_lane(target, pool_size=pool_size)


class _OptionalLane(Protocol):
    """What `native.py` and `asyncpg_lane.py` have in common."""

    def open_lane(self, target: Target, *, pool_size: int) -> AbstractAsyncContextManager[Database]: ...


def _optional_lane(name: str, *, extra: str) -> _OptionalLane:
    # Imported on demand: its driver is an extra, which who uses SQLite only need not install.
    try:
        module = importlib.import_module(f"flowcore.database.{name}")
    except ImportError as error:
        raise SettingsError(
            f"PostgreSQL needs a driver that is missing ({error}); run `pip install 'flowcore[{extra}]'`"
        ) from error
    return cast("_OptionalLane", module)
