"""Whatever happens to the answer of a COMMIT, the unit happens exactly once and its caller knows."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.commits import Fate, ask_fate, ask_server_life, is_refusal
from flowcore.database.engine import open_database
from flowcore.database.native import NativeDriver
from flowcore.database.postgres import PostgresDatabase
from flowcore.database.urls import parse_url
from flowcore.errors import CommitUnknown
from tests.database.cut_line import Cut, CutLine, cut_line
from tests.database.items import create_items, insert_items, list_ids
from tests.support.postgres import running_server

TRANSACTION_ID = sa.text("SELECT CAST(pg_current_xact_id_if_assigned() AS text)")


@pytest.fixture
async def line(postgres_url: str) -> AsyncIterator[CutLine]:
    async with cut_line(postgres_url) as line:
        yield line


def insert_counted(connection: sa.Connection, runs: list[int]) -> int:
    runs.append(len(runs) + 1)
    insert_items(connection, 1)
    return len(runs)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
@pytest.mark.parametrize(
    ("cut", "expected"),
    [(Cut.BEFORE_COMMIT, 2), (Cut.AFTER_COMMIT, 1), (Cut.PARTITION, 2)],
)
async def test_a_unit_whose_commit_is_cut_off_happens_once(
    line: CutLine, scheme: str, cut: Cut, expected: int
) -> None:
    async with open_database(line.url.replace("postgresql", scheme), pool_size=2) as database:
        await database.run(create_items)
        line.next_cut = cut
        assert await database.run(insert_counted, []) == expected
        assert line.cuts == 1
        assert await database.read(list_ids) == [1]


async def test_a_unit_found_committed_still_wakes(line: CutLine) -> None:
    async with open_database(line.url, pool_size=2) as database:
        await database.run(create_items)
        line.next_cut = Cut.AFTER_COMMIT
        await database.run(insert_items, 1)
        assert database.wakeups.version("items") == 1


async def test_a_cancellation_during_a_lost_commit_does_not_deny_it(line: CutLine) -> None:
    async with open_database(line.url, pool_size=2) as database, anyio.create_task_group() as nursery:
        await database.run(create_items)
        line.next_cut, line.when_cut = Cut.AFTER_COMMIT, nursery.cancel_scope.cancel
        assert await database.run(insert_counted, []) == 1
        assert nursery.cancel_scope.cancel_called


async def test_a_fate_that_nobody_can_tell_is_an_error_that_says_how_to_ask(
    line: CutLine, postgres_url: str
) -> None:
    database = PostgresDatabase(NativeDriver(parse_url(line.url)), pool_size=2, fate_patience_s=0.1)
    await database.open()
    await database.run(create_items)
    line.next_cut, line.refuses_after_cut = Cut.AFTER_COMMIT, True
    with pytest.raises(CommitUnknown, match=r"pg_xact_status\('\d+'\)"):
        await database.run(insert_items, 1)
    database.close()


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [("40001", True), ("23505", True), ("57P01", False), ("08006", False), (None, False)],
)
def test_only_the_servers_own_no_counts_as_a_refusal(sqlstate: str | None, expected: bool) -> None:
    assert is_refusal(sqlstate) is expected


@pytest.fixture
def crashing_server() -> Iterator[sa.Engine]:
    """A server of our own, by way of connections that are made anew each time."""
    with running_server(fsync=False) as url:
        engine = sa.create_engine(url.replace("postgresql", "postgresql+psycopg"), poolclass=sa.NullPool)
        with engine.begin() as connection:
            create_items(connection)
        yield engine


@pytest.mark.slow
def test_an_id_that_a_crashed_server_gave_out_again_is_not_taken_for_ours(crashing_server: sa.Engine) -> None:
    was_given_out_again = False
    for number in range(10):  # now and then the id reaches the disk in time, and is not forgotten
        with crashing_server.connect() as ours:
            server_life = ask_server_life(ours)
            insert_items(ours, 2 * number)
            lost_id = ours.scalar(TRANSACTION_ID) or ""
            crash(ours)
        with reconnect(crashing_server, server_life) as other:
            insert_items(other, 2 * number + 1)
            was_given_out_again |= other.scalar(TRANSACTION_ID) == lost_id
            other.commit()
            assert ask_fate(other, lost_id, server_life) is Fate.ABORTED
        if was_given_out_again:
            break
    assert was_given_out_again


def crash(connection: sa.Connection) -> None:
    """Kill a server process, upon which all end; the connection is lost."""
    os.kill(connection.scalar(sa.text("SELECT pg_backend_pid()")) or 0, signal.SIGKILL)
    connection.invalidate()


def reconnect(engine: sa.Engine, last_life: str) -> sa.Connection:
    """Connect as soon as the server has noticed its crash and recovered from it."""
    while True:
        with suppress(sa.exc.OperationalError):
            connection = engine.connect()
            if ask_server_life(connection) != last_life:
                return connection
            connection.close()
