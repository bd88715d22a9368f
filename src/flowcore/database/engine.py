"""Open a database: the one door to the lanes, which `lanes.py` describes."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from flowcore.clock import Clock, SystemClock
from flowcore.database.inline import open_inline
from flowcore.database.lanes import Database as Database
from flowcore.database.native import open_native
from flowcore.database.sqlite import open_sqlite
from flowcore.database.sqlite_engine import Synchronous
from flowcore.database.statistics import Statistics as Statistics
from flowcore.database.urls import Driver, parse_url


def open_database(
    url: str,
    *,
    pool_size: int = 8,
    clock: Clock | None = None,
    synchronous: Synchronous = "NORMAL",
    inline: bool = False,
) -> AbstractAsyncContextManager[Database]:
    """Open the database at `url` for the duration of the block.

    Args:
        url: `sqlite:///flow.db`, `postgresql://user@host/name`, or another spelling that `urls.py` lists.
        pool_size: PostgreSQL connections at most, besides the one that listens.
        clock: what `database_now()` tells on SQLite, in place of the system's clock.
        synchronous: on SQLite, FULL keeps the last commits through a power cut, at a price.
        inline: run units in the caller, without threads; for SQLite in memory only.

    Raises:
        SettingsError: the URL cannot be used, or its driver is not installed.
        DatabaseUnavailable: the server did not answer.
    """
    target = parse_url(url)
    clock = clock or SystemClock()
    if inline:
        return open_inline(target, clock=clock, synchronous=synchronous)
    if target.driver is Driver.SQLITE:
        return open_sqlite(target, clock=clock, synchronous=synchronous)
    return open_native(target, pool_size=pool_size)
