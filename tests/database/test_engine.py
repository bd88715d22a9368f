"""Opening a database, or saying why it cannot be opened."""

from __future__ import annotations

import socket
import sys

import anyio
import pytest

from flowcore.database.engine import open_database
from flowcore.errors import DatabaseUnavailable, SettingsError


async def opened(url: str) -> str:
    async with open_database(url) as database:
        return database.dialect_name


async def test_a_sqlite_url_opens_sqlite() -> None:
    assert await opened("sqlite://") == "sqlite"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
async def test_a_postgresql_url_of_any_driver_opens_postgresql(postgres_url: str, scheme: str) -> None:
    assert await opened(postgres_url.replace("postgresql", scheme)) == "postgresql"


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
async def test_a_server_that_is_not_there_is_named_at_once(scheme: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with (
            anyio.fail_after(30),
            pytest.raises(DatabaseUnavailable, match=f"127.0.0.1:{port}/db.*start the server"),
        ):
            await opened(f"{scheme}://u:hunter2@127.0.0.1:{port}/db")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
async def test_a_server_that_does_not_know_the_database_says_so(postgres_url: str, scheme: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await opened(f"{postgres_url.replace('postgresql', scheme)}_missing")


async def test_an_option_that_libpq_does_not_know_is_an_error_of_the_settings(postgres_url: str) -> None:
    with pytest.raises(SettingsError, match="colour"):
        await opened(f"{postgres_url}?colour=blue")


@pytest.mark.parametrize(
    ("lane", "driver", "url", "remedy"),
    [("native", "psycopg", "postgresql://h/db", "postgres")],
)
async def test_a_missing_driver_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, lane: str, driver: str, url: str, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.delitem(sys.modules, f"flowcore.database.{lane}", raising=False)
    with pytest.raises(SettingsError, match=rf"pip install 'flowcore\[{remedy}\]'"):
        await opened(url)
