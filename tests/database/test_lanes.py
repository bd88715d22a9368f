"""What every lane promises, tried on each."""

from __future__ import annotations

import anyio
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from flowcore.database.engine import Database
from flowcore.database.wakeups import wake
from tests.database.items import ITEMS, insert_items, list_ids


async def test_a_unit_that_returns_has_committed(database: Database) -> None:
    await database.run(insert_items, 1, 2)
    assert await database.read(list_ids) == [1, 2]


async def test_a_unit_that_raises_was_rolled_back(database: Database) -> None:
    def break_off(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        raise LookupError

    with pytest.raises(LookupError):
        await database.run(break_off)
    assert await database.read(list_ids) == []


async def test_a_refused_statement_is_the_units_own_error(database: Database) -> None:
    await database.run(insert_items, 1)
    with pytest.raises(IntegrityError):
        await database.run(insert_items, 1)
    assert await database.read(list_ids) == [1]


async def test_a_reading_unit_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
        await database.read(insert_items, 1)
    assert await database.read(list_ids) == []


async def test_a_failed_savepoint_leaves_the_rest_of_the_unit(database: Database) -> None:
    def insert_twice(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        with pytest.raises(IntegrityError), connection.begin_nested():
            insert_items(connection, 1)
        insert_items(connection, 2)

    await database.run(insert_twice)
    assert await database.read(list_ids) == [1, 2]


async def test_a_unit_may_execute_many_parameter_sets(database: Database) -> None:
    def insert_many(connection: sa.Connection) -> None:
        connection.execute(ITEMS.insert(), [{"id": number} for number in range(2_500)])

    await database.run(insert_many)
    assert len(await database.read(list_ids)) == 2_500


async def test_a_unit_wakes_its_channels_once_it_has_committed(database: Database) -> None:
    seen = database.wakeups.version("items")
    await database.run(insert_items, 1)
    assert database.wakeups.version("items") == seen + 1


async def test_a_unit_that_only_wakes_needs_no_statement(database: Database) -> None:
    seen = database.wakeups.version("news")
    await database.run(wake, "news")
    assert database.wakeups.version("news") == seen + 1


async def test_a_unit_that_raises_wakes_nobody_then_or_later(database: Database) -> None:
    def break_off(connection: sa.Connection) -> None:
        wake(connection, "news")
        raise LookupError

    with pytest.raises(LookupError):
        await database.run(break_off)
    await database.run(insert_items, 1)
    assert database.wakeups.version("news") == 0


async def test_a_cancelled_caller_starts_no_unit(database: Database) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await database.run(insert_items, 1)
    assert scope.cancelled_caught
    assert await database.read(list_ids) == []


async def test_units_run_at_the_same_time_do_not_mix(database: Database) -> None:
    async with anyio.create_task_group() as nursery:
        for number in range(50):
            nursery.start_soon(database.run, insert_items, number)
            nursery.start_soon(database.read, list_ids)
    assert await database.read(list_ids) == list(range(50))


async def test_statistics_count_what_units_did(database: Database) -> None:
    before = database.statistics()
    await database.run(insert_items, 1)
    await database.read(list_ids)
    done = database.statistics().since(before)
    assert (done.transactions, done.statements, done.retries) == (2, 2, 0)
