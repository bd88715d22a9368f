"""From the one database URL that a user configures to what a lane needs.

Accepted are the spellings that people have in their settings already: `sqlite://…` (also `+pysqlite`,
`+aiosqlite`) and `postgresql://…` or `postgres://…` (also `+psycopg`, `+psycopg2`, `+asyncpg`, `+pg8000`),
with the options of the driver they name. `+asyncpg` chooses that driver when the loop is asyncio; under
trio, where asyncpg cannot run, the same URL means psycopg, like all the others.

No password ever appears in a message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

import attrs
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from flowcore.errors import SettingsError

ACCEPTED = "sqlite:///path/to/flow.db or postgresql://user@host/database"

#: Options of asyncpg that only tune it; another driver can do without them.
_ASYNCPG_ONLY = frozenset(
    {
        "command_timeout",
        "statement_cache_size",
        "prepared_statement_cache_size",
        "prepared_statement_name_func",
        "max_cached_statement_lifetime",
        "max_cacheable_statement_size",
        "async_fallback",
    }
)


class Driver(StrEnum):
    """What carries the statements."""

    SQLITE = "sqlite3"
    PSYCOPG = "psycopg"
    ASYNCPG = "asyncpg"


_DRIVERS: Mapping[str, Mapping[str, Driver]] = {
    "sqlite": {"": Driver.SQLITE, "pysqlite": Driver.SQLITE, "aiosqlite": Driver.SQLITE},
    "postgresql": {
        "": Driver.PSYCOPG,
        "psycopg": Driver.PSYCOPG,
        "psycopg2": Driver.PSYCOPG,
        "psycopg_async": Driver.PSYCOPG,
        "pg8000": Driver.PSYCOPG,
        "asyncpg": Driver.ASYNCPG,
    },
}


@attrs.frozen
class Target:
    """A database URL understood."""

    driver: Driver
    url: sa.URL
    """For SQLAlchemy and its synchronous driver: also the URL for migrations and shells."""
    asyncpg_options: Mapping[str, str]
    """The tuning options that were given for asyncpg and mean nothing to another driver."""

    @property
    def is_memory(self) -> bool:
        """Whether the data lives in this process only."""
        if self.driver is not Driver.SQLITE:
            return False
        path = self.url.database or ":memory:"
        return ":memory:" in path or self.url.query.get("mode") == "memory" or "mode=memory" in path

    @property
    def sqlite_path(self) -> Path:
        """The file of a SQLite database that is not in memory."""
        return Path((self.url.database or "").removeprefix("file:"))

    def __str__(self) -> str:
        """Say where the database is; safe to show: without password and options."""
        return self.url.set(query={}).render_as_string(hide_password=True)


def parse_url(raw: str, *, folder: Path | None = None) -> Target:
    """Understand a database URL; a relative SQLite path is taken from `folder`, else the working folder.

    Raises:
        SettingsError: the URL is malformed, or the database is not one that flowcore supports.
    """
    try:
        url = sa.make_url(raw)
    except (ArgumentError, ValueError):  # the library's message may quote the URL, and so a password
        raise SettingsError(f"the database URL cannot be understood; write it like {ACCEPTED}") from None
    dialect, _, driver_name = url.drivername.partition("+")
    dialect = "postgresql" if dialect == "postgres" else dialect
    if dialect not in _DRIVERS:
        raise SettingsError(f"databases of kind {dialect!r} are not supported; use {ACCEPTED}")
    if driver_name not in _DRIVERS[dialect]:
        known = ", ".join(sorted(name for name in _DRIVERS[dialect] if name))
        raise SettingsError(
            f"the driver {driver_name!r} is not supported; leave it out, or name one of {known}"
        )
    driver = _DRIVERS[dialect][driver_name]
    if driver is Driver.SQLITE:
        return Target(driver, _with_absolute_path(url, folder or Path.cwd()), {})
    return _postgresql_target(driver, url)


def _with_absolute_path(url: sa.URL, folder: Path) -> sa.URL:
    # Absolute at once: the path must mean the same file after a change of the working folder.
    url = url.set(drivername="sqlite")
    if url.host:
        remedy = f"sqlite:////{url.host}/{url.database or ''}"
        raise SettingsError(f"a SQLite URL has no host, but this one has {url.host!r}; write {remedy}")
    path = url.database or ":memory:"
    if path == ":memory:" or path.startswith(("file::memory:", "/", "file:/")):
        return url
    if path.startswith("file:"):
        in_memory = url.query.get("mode") == "memory"
        return url if in_memory else url.set(database=f"file:{folder / path.removeprefix('file:')}")
    return url.set(database=str(folder / path))


def _postgresql_target(driver: Driver, url: sa.URL) -> Target:
    query = dict(url.query)
    options = {name: one_value(query.pop(name)) for name in _ASYNCPG_ONLY & query.keys()}
    if driver is Driver.ASYNCPG and "timeout" in query:
        query.setdefault("connect_timeout", query.pop("timeout"))
    if "ssl" in query:  # asyncpg's word for sslmode
        query.setdefault("sslmode", _sslmode(one_value(query["ssl"])))
        del query["ssl"]
    if "unix_sock" in query:  # pg8000 names the socket, libpq its folder
        query.setdefault("host", os.path.dirname(one_value(query["unix_sock"])))
        del query["unix_sock"]
    if "search_path" in query:
        setting = f"-csearch_path={one_value(query.pop('search_path'))}"
        query["options"] = f"{one_value(query['options'])} {setting}" if "options" in query else setting
    if url.host and "%2f" in url.host.lower():  # a socket's folder, percent-encoded
        query.setdefault("host", unquote(url.host))
        url = url.set(host=None)
    return Target(driver, url.set(drivername="postgresql+psycopg", query=query), options)


def _sslmode(value: str) -> str:
    return {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(
        value.lower(), value.lower()
    )


def one_value(value: str | tuple[str, ...]) -> str:
    """The value of an option that was perhaps given several times: the last one counts."""
    return value if isinstance(value, str) else value[-1]
