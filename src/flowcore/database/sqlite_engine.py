"""Open SQLite databases: how each connection is set up, and what can be wrong with a file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from flowcore.clock import Clock
from flowcore.database.sqlite_units import LaneConnection
from flowcore.database.types import register_clock
from flowcore.database.urls import Target
from flowcore.errors import SettingsError

#: NORMAL survives every crash of a process; a power cut may undo the last commits, never a part of
#: one. FULL survives a power cut too and waits for the disk at every commit.
Synchronous = Literal["NORMAL", "FULL"]

#: The first version with the `->` operator, which row batches use.
OLDEST_SQLITE = (3, 38)

#: Seconds that opening may wait for another process which sets up the same file.
OPEN_PATIENCE_S = 5


def sqlite_engine(target: Target, *, clock: Clock, synchronous: Synchronous) -> sa.Engine:
    """An engine whose every `connect()` opens a new connection, set up for units.

    Raises:
        SettingsError: this Python's SQLite is too old, or the file cannot be a database.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise SettingsError(
            f"SQLite {sqlite3.sqlite_version} is too old; use a Python with SQLite {oldest} or later"
        )
    if not target.is_memory:
        _check_file(target.sqlite_path)
    (path,), options = target.url.get_dialect()().create_connect_args(target.url)

    def open_connection() -> sqlite3.Connection:
        try:
            return _open_connection(path, uri=options.get("uri", False), clock=clock, synchronous=synchronous)
        except sqlite3.DatabaseError as error:
            raise SettingsError(
                f"{target} cannot be opened: {error}; name another file in the database URL"
            ) from error

    return sa.create_engine(
        target.url, creator=open_connection, poolclass=NullPool, pool_reset_on_return=None
    )


def _open_connection(path: str, *, uri: bool, clock: Clock, synchronous: Synchronous) -> sqlite3.Connection:
    raw = sqlite3.connect(
        path,
        uri=uri,
        isolation_level=None,  # units begin and commit themselves
        check_same_thread=False,
        cached_statements=1_000,
        timeout=OPEN_PATIENCE_S,
        factory=LaneConnection,
    )
    with ExitStack() as unless_ready:
        unless_ready.callback(raw.close)
        raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA synchronous={synchronous}")
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA busy_timeout=0")  # whoever waits for a lock waits on the loop, not in a thread
        register_clock(raw, clock)
        unless_ready.pop_all()
    return raw


def _check_file(path: Path) -> None:
    if not path.parent.is_dir():
        raise SettingsError(
            f"the folder {path.parent} does not exist; create it, or set another database URL"
        )
    written = [path.parent, path] if path.exists() else [path.parent]
    for place in written:
        if not os.access(place, os.W_OK):
            raise SettingsError(
                f"{place} is not writable; give this user access, or set another database URL"
            )
