"""The SQLite lanes beyond what all lanes promise: files, locks of other processes, cancellation."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.engine import Database, open_database
from flowcore.errors import DatabaseUnavailable, SettingsError
from tests.database.faults import committed_units, run_units
from tests.database.items import create_items, insert_items, list_ids

ENDLESS = sa.text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flow.db"


@pytest.fixture
async def sqlite(path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite:///{path}") as database:
        await database.run(create_items)
        yield database


@pytest.mark.slow
async def test_units_cancelled_at_random_points_happen_wholly_or_not_at_all(sqlite: Database) -> None:
    fates = await run_units(sqlite, range(1_000), longest_s=0.06)
    assert fates.cancelled
    assert fates.returned
    assert await committed_units(sqlite) == fates.returned


@pytest.mark.parametrize("reads", [True, False])
async def test_an_endless_statement_ends_with_its_caller(sqlite: Database, reads: bool) -> None:
    started = threading.Event()

    def never_end(connection: sa.Connection) -> None:
        started.set()
        connection.execute(ENDLESS)

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(sqlite.read if reads else sqlite.run, never_end)
        await anyio.to_thread.run_sync(started.wait)
        nursery.cancel_scope.cancel()
    await sqlite.run(insert_items, 1)
    assert await sqlite.read(list_ids) == [1]


async def test_a_cancellation_that_comes_after_the_last_statement_still_rolls_back(sqlite: Database) -> None:
    cancelled = threading.Event()

    def insert_and_wait(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        started.set()
        cancelled.wait()

    started = threading.Event()
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(sqlite.run, insert_and_wait)
        await anyio.to_thread.run_sync(started.wait)
        nursery.cancel_scope.cancel()
        threading.Timer(0.05, cancelled.set).start()
    assert await sqlite.read(list_ids) == []


async def test_readers_do_not_wait_for_the_writer(sqlite: Database) -> None:
    release = threading.Event()

    def hold(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        release.wait()

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(sqlite.run, hold)
        assert await sqlite.read(list_ids) == []
        release.set()


async def test_a_unit_waits_for_another_processs_lock_without_a_thread(sqlite: Database, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(sqlite.run, insert_items, 1)
            while not sqlite.statistics().retries:
                await anyio.lowlevel.checkpoint()
            other.execute("COMMIT")
    assert await sqlite.read(list_ids) == [1]


async def test_two_database_objects_share_a_file(sqlite: Database, path: Path) -> None:
    async with open_database(f"sqlite:///{path}") as other, anyio.create_task_group() as nursery:
        for number in range(100):
            nursery.start_soon((sqlite, other)[number % 2].run, insert_items, number)
    assert await sqlite.read(list_ids) == list(range(100))


async def test_the_file_is_in_wal_mode(sqlite: Database) -> None:
    assert await sqlite.read(lambda c: c.exec_driver_sql("PRAGMA journal_mode").scalar()) == "wal"


@pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
async def test_how_much_a_power_cut_may_take_is_a_setting(path: Path, synchronous: str, number: int) -> None:
    async with open_database(f"sqlite:///{path}", synchronous=synchronous) as database:
        assert await database.run(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar()) == number


async def test_a_missing_folder_is_an_error_of_the_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist; create it"):
        async with open_database(f"sqlite:///{tmp_path}/missing/flow.db"):
            pass


async def test_a_file_that_is_no_database_is_an_error_of_the_settings(path: Path) -> None:
    await anyio.Path(path).write_text("This is a diary." * 100)
    with pytest.raises(SettingsError, match="not a database"):
        async with open_database(f"sqlite:///{path}"):
            pass


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unable to open"):
        async with open_database(f"sqlite:///{tmp_path}"):
            pass


async def test_a_full_disk_is_told_apart_and_may_have_room_again(sqlite: Database) -> None:
    def limit_pages(connection: sa.Connection, pages: int) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    await sqlite.run(limit_pages, 1)
    with pytest.raises(DatabaseUnavailable, match=r"is full.*make room on its disk"):
        await sqlite.run(insert_items, *range(10_000))
    assert await sqlite.read(list_ids) == []
    await sqlite.run(limit_pages, 1_000_000)
    await sqlite.run(insert_items, 1)
    assert await sqlite.read(list_ids) == [1]
