"""Whatever happens to the answer of a COMMIT, the unit happens exactly once and its caller knows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest
import sqlalchemy as sa

from flowcore.database.commits import is_refusal
from flowcore.database.engine import open_database
from flowcore.database.native import NativeDriver
from flowcore.database.postgres import PostgresDatabase
from flowcore.database.urls import parse_url
from flowcore.errors import CommitUnknown
from tests.database.cut_line import Cut, CutLine, cut_line
from tests.database.items import create_items, insert_items, list_ids


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
