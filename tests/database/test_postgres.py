"""Units keep their promises on PostgreSQL when callers are cancelled and connections are cut."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.engine import Database, open_database
from flowcore.database.native import NativeDriver
from flowcore.database.postgres import PostgresDatabase
from flowcore.database.urls import parse_url
from flowcore.errors import DatabaseUnavailable
from tests.database.faults import committed_units, end_a_session, run_units, sessions
from tests.database.items import ITEMS, create_items, insert_items, list_ids
from tests.support.postgres import running_server

UNITS = 1_000


@pytest.mark.slow
async def test_units_cancelled_at_random_points_happen_wholly_or_not_at_all(
    postgres: Database, postgres_url: str
) -> None:
    fates = await run_units(postgres, range(UNITS), longest_s=0.04)
    assert fates.cancelled
    assert fates.returned
    assert await committed_units(postgres) == fates.returned


async def test_a_unit_that_stood_still_until_the_server_ended_its_session_is_run_again(
    postgres: Database, postgres_url: str
) -> None:
    runs = itertools.count()

    def stand_still_once(connection: sa.Connection) -> None:
        insert_items(connection, 1, 2)
        if next(runs) == 0:
            connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '1ms'"))
            while "idle in transaction" in sessions(postgres_url):
                pass
        insert_items(connection, 3, 4)

    await postgres.run(stand_still_once)
    assert await postgres.read(list_ids) == [1, 2, 3, 4]


async def test_the_server_ends_sessions_that_stand_still_in_a_transaction(postgres: Database) -> None:
    shown = sa.text("SHOW idle_in_transaction_session_timeout")
    assert await postgres.read(lambda connection: connection.scalar(shown)) == "10s"


@pytest.mark.slow
async def test_connections_survive_cancelled_units(native: Database, postgres_url: str) -> None:
    await run_units(native, range(UNITS), longest_s=0.02)
    await native.read(list_ids)
    assert native.statistics().connections <= 8
    with anyio.fail_after(30):
        # The server still ends those that were closed.
        while set(sessions(postgres_url)) != {"idle"}:  # noqa: ASYNC110
            await anyio.sleep(0.01)


@pytest.mark.slow
async def test_every_units_fate_is_known_when_sessions_are_terminated(
    postgres: Database, postgres_url: str
) -> None:
    ended = anyio.Event()

    async def storm() -> None:
        ends = itertools.count()
        # Sessions that were idle are not missed.
        while next(ends) < 10 or not postgres.statistics().retries:
            await anyio.to_thread.run_sync(end_a_session, postgres_url)
        ended.set()

    numbers = itertools.takewhile(lambda _: not ended.is_set(), itertools.count())
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(storm)
        fates = await run_units(postgres, numbers)
    assert fates.returned == set(range(len(fates.returned))) == await committed_units(postgres)
    assert postgres.statistics().retries > 0


@pytest.fixture
def own_server() -> Iterator[str]:
    """A server that the test may crash."""
    with running_server(fsync=False) as url:
        yield url


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
async def test_every_units_fate_is_known_when_the_server_restarts(own_server: str, scheme: str) -> None:
    url = own_server.replace("postgresql", scheme, 1)
    async with open_database(url) as database, anyio.create_task_group() as nursery:
        await database.run(create_items)
        nursery.start_soon(crash_after, database, 100)
        fates = await run_units(database, range(400))
        assert fates.returned == set(range(400)) == await committed_units(database)


async def crash_after(database: Database, transactions: int) -> None:
    """Kill a server process, upon which the server ends all of them and recovers from its log."""
    pid = await database.read(lambda connection: connection.scalar(sa.text("SELECT pg_backend_pid()")))
    while database.statistics().transactions < transactions:
        await anyio.lowlevel.checkpoint()
    os.kill(pid or 0, signal.SIGKILL)


@pytest.mark.slow
async def test_of_two_units_in_deadlock_both_commit_in_the_end(postgres: Database) -> None:
    held: set[int] = set()

    def touch(connection: sa.Connection, first: int, second: int) -> None:
        update = ITEMS.update().values(state="x")
        connection.execute(update.where(ITEMS.c.id == first))
        held.add(first)
        while len(held) < 2:
            connection.execute(sa.text("SELECT pg_sleep(0.01)"))
        connection.execute(update.where(ITEMS.c.id == second))

    await postgres.run(insert_items, 1, 2)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(postgres.run, touch, 1, 2)
        nursery.start_soon(postgres.run, touch, 2, 1)
    assert postgres.statistics().retries > 0


async def test_a_unit_that_waits_for_a_connection_can_be_cancelled(postgres_url: str) -> None:
    async with open_database(postgres_url, pool_size=1) as database, anyio.create_task_group() as nursery:
        nursery.start_soon(
            database.run, lambda connection: connection.execute(sa.text("SELECT pg_sleep(60)"))
        )
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as scope:
            await database.run(create_items)
        assert scope.cancelled_caught
        assert database.statistics().waits == 1
        nursery.cancel_scope.cancel()


async def test_a_connection_cancelled_in_the_middle_of_a_batch_is_not_used_again(native: Database) -> None:
    def insert_singly(connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.executemany("INSERT INTO item (id) VALUES (%s)", ((number,) for number in range(1_000_000)))

    with anyio.move_on_after(0.1) as scope:
        await native.run(insert_singly)
    assert scope.cancelled_caught
    await native.run(insert_items, 1)
    assert await native.read(list_ids) == [1]


async def test_a_server_that_stays_away_is_reported_after_some_patience(postgres_url: str) -> None:
    database = PostgresDatabase(
        NativeDriver(parse_url(f"{postgres_url}_missing")), pool_size=1, patience_s=1.0
    )
    with pytest.raises(DatabaseUnavailable, match="does not exist"):
        await database.run(create_items)
    assert database.statistics().retries > 0
