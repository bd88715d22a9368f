"""psycopg's exchanges on the running loop: large ones, long ones, stopped ones, and hopeless ones."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import anyio
import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.util.concurrency import greenlet_spawn

from flowcore.database.engine import Database, open_database
from flowcore.database.native_connection import ConcurrentUse
from flowcore.database.native_dialect import connection_parameters
from flowcore.database.native_transaction import NativeConnection
from flowcore.database.urls import parse_url
from flowcore.errors import DatabaseUnavailable
from tests.database.items import ITEMS, insert_items, list_ids

SLEEP = sa.text("SELECT pg_sleep(60)")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
async def raw(postgres_url: str) -> AsyncIterator[NativeConnection]:
    connection = await NativeConnection.open(connection_parameters(parse_url(postgres_url)), psycopg.adapters)
    yield connection
    connection.close()


async def test_values_larger_than_every_buffer_travel_both_ways(native: Database) -> None:
    blob = bytes(range(256)) * 40_000
    statement = sa.select(sa.cast(sa.bindparam("blob", type_=sa.LargeBinary), sa.LargeBinary))
    assert await native.read(lambda connection: connection.scalar(statement, {"blob": blob})) == blob


async def test_other_tasks_run_while_a_long_batch_is_sent(native: Database) -> None:
    rounds = 0

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            await anyio.lowlevel.checkpoint()
            rounds += 1

    def insert_singly(connection: sa.Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.executemany("INSERT INTO item (id) VALUES (%s)", [(number,) for number in range(5_000)])

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(count_rounds)
        await native.run(insert_singly)
        nursery.cancel_scope.cancel()
    assert rounds > 5
    assert len(await native.read(list_ids)) == 5_000


async def test_a_batch_belongs_to_the_units_transaction(native: Database) -> None:
    def insert_and_fail(connection: sa.Connection) -> None:
        connection.connection.cursor().executemany("INSERT INTO item (id) VALUES (%s)", [(1,), (2,)])
        raise LookupError

    with pytest.raises(LookupError):
        await native.run(insert_and_fail)
    assert await native.read(list_ids) == []


async def test_the_server_stops_waiting_for_a_lock_when_the_caller_is_cancelled(
    native: Database, postgres_url: str
) -> None:
    await native.run(insert_items, 1)
    update = ITEMS.update().values(state="mine")
    with psycopg.connect(postgres_url) as other:
        other.execute("UPDATE item SET state = 'theirs'")
        with anyio.move_on_after(0.05) as scope:
            await native.run(lambda connection: connection.execute(update))
        waiting = other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    assert scope.cancelled_caught
    assert waiting == (0,)


async def test_a_stopped_statement_leaves_its_connection_usable(native: Database) -> None:
    with anyio.move_on_after(0.05):
        await native.run(lambda connection: connection.execute(SLEEP))
    await native.run(insert_items, 1)
    assert native.statistics().connections == 1


async def test_a_cancellation_between_two_statements_sends_nothing_more(native: Database) -> None:
    def cancel_and_go_on(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        scope.cancel()
        insert_items(connection, 2)

    with anyio.CancelScope() as scope:
        await native.run(cancel_and_go_on)
    assert scope.cancelled_caught
    assert await native.read(list_ids) == []


async def test_two_tasks_cannot_use_one_connection_at_once(raw: NativeConnection) -> None:
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(greenlet_spawn, raw.execute, "SELECT pg_sleep(60)")
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(ConcurrentUse, match="belongs to one unit"):
            await greenlet_spawn(raw.execute, "SELECT 1")
        nursery.cancel_scope.cancel()


async def test_connecting_to_a_silent_server_ends_after_its_timeout(silent_port: int) -> None:
    url = f"postgresql://u@127.0.0.1:{silent_port}/d?connect_timeout=2"
    with anyio.fail_after(30), pytest.raises(DatabaseUnavailable, match="no answer within 2"):
        async with open_database(url):
            pass


async def test_connecting_can_be_cancelled(silent_port: int) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with open_database(f"postgresql://u@127.0.0.1:{silent_port}/d"):
            pass
    assert scope.cancelled_caught


async def test_the_next_host_is_tried_when_one_does_not_answer(postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hosts = f"host=127.0.0.1:{free.getsockname()[1]}&host={url.host}:{url.port}"
        async with open_database(f"postgresql://{url.username}@/{url.database}?{hosts}") as database:
            assert await database.read(lambda connection: connection.scalar(sa.text("SELECT 1"))) == 1
