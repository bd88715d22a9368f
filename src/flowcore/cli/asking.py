"""Run units of work on the database that the settings name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from flowcore.cli.event_loop import run_on_loop
from flowcore.database import schema
from flowcore.database.engine import open_database
from flowcore.database.lanes import BoundUnit, Database
from flowcore.database.urls import Driver, parse_url
from flowcore.errors import DatabaseOutOfDate
from flowcore.settings import Settings

T = TypeVar("T")


def read_database(settings: Settings, unit: BoundUnit[T]) -> T:
    """Run a unit that only reads, on a database that must have the schema.

    Raises:
        DatabaseOutOfDate: it has not, or there is no database.
    """
    require_file(settings)
    return run_on_loop(settings.backend, partial(_read, settings.database_url, unit))


def change_database(settings: Settings, unit: BoundUnit[T]) -> T:
    """Run a unit that writes, on a database that must have the schema.

    Raises:
        DatabaseOutOfDate: it has not, or there is no database.
    """
    require_file(settings)
    return run_on_loop(settings.backend, partial(_write, settings.database_url, unit))


def use_database(settings: Settings, function: Callable[[Database], Awaitable[T]]) -> T:
    """Call a coroutine function with the database, which must have the schema.

    Raises:
        DatabaseOutOfDate: it has not, or there is no database.
    """
    require_file(settings)
    return run_on_loop(settings.backend, partial(_use, settings.database_url, function))


def set_up_database(settings: Settings, unit: BoundUnit[T]) -> T:
    """Run a unit that creates what it needs; a SQLite file is created if it is not there."""
    return run_on_loop(settings.backend, partial(_set_up, settings.database_url, unit))


async def _read(url: str, unit: BoundUnit[T]) -> T:
    async with open_database(url) as database:
        await database.read(schema.require_current)
        return await database.read(unit)


async def _write(url: str, unit: BoundUnit[T]) -> T:
    async with open_database(url) as database:
        await database.read(schema.require_current)
        return await database.run(unit)


async def _use(url: str, function: Callable[[Database], Awaitable[T]]) -> T:
    async with open_database(url) as database:
        await database.read(schema.require_current)
        return await function(database)


async def _set_up(url: str, unit: BoundUnit[T]) -> T:
    async with open_database(url) as database:
        return await database.run(unit)


def require_file(settings: Settings) -> None:
    """Raise DatabaseOutOfDate when the database is a file that is not there."""
    # Opening a SQLite file would create it, and looking must not leave an empty file behind.
    target = parse_url(settings.database_url)
    path = target.sqlite_path
    could_create = target.driver is Driver.SQLITE and not target.is_memory and path.parent.is_dir()
    if could_create and not path.exists():
        raise DatabaseOutOfDate(f"there is no database {path} yet; run `flowcore db migrate`")
