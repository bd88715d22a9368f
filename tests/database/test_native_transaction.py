"""What the native lane sends, counted in round trips."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.errors import InFailedSqlTransaction
from sqlalchemy.exc import DBAPIError, IntegrityError

from flowcore.database.engine import Database
from flowcore.database.lanes import Unit
from flowcore.database.statistics import Statistics
from flowcore.database.wakeups import wake
from tests.database.items import insert_items, list_ids


async def counted(database: Database, unit: Unit[[], object], *, writes: bool) -> Statistics:
    before = database.statistics()
    await (database.run if writes else database.read)(unit)
    return database.statistics().since(before)


async def test_reading_with_one_statement_is_one_round_trip(native: Database) -> None:
    done = await counted(native, list_ids, writes=False)
    assert (done.statements, done.round_trips) == (1, 1)


async def test_the_unanswered_commit_of_a_read_costs_the_next_unit_nothing(native: Database) -> None:
    await native.read(list_ids)
    done = await counted(native, list_ids, writes=False)
    assert done.round_trips == 1


async def test_writing_with_one_statement_is_two_round_trips(native: Database) -> None:
    done = await counted(native, lambda connection: insert_items(connection, 1), writes=True)
    assert (done.statements, done.round_trips) == (1, 2)


async def test_each_further_statement_is_one_round_trip(native: Database) -> None:
    def insert_four_times(connection: sa.Connection) -> None:
        for number in range(4):
            insert_items(connection, number)

    done = await counted(native, insert_four_times, writes=True)
    assert (done.statements, done.round_trips) == (4, 5)


async def test_a_unit_without_statements_sends_nothing(native: Database) -> None:
    done = await counted(native, lambda connection: None, writes=True)
    assert done.round_trips == 0


async def test_a_unit_that_only_wakes_sends_only_its_notification(native: Database) -> None:
    done = await counted(native, lambda connection: wake(connection, 'quo"ted \\ channel'), writes=True)
    assert (done.statements, done.round_trips) == (0, 1)


async def test_a_unit_that_swallows_a_failure_does_not_pretend_to_commit(native: Database) -> None:
    def swallow(connection: sa.Connection) -> None:
        insert_items(connection, 1)
        with pytest.raises(IntegrityError):
            insert_items(connection, 1)

    with pytest.raises(DBAPIError, match="begin_nested") as raised:
        await native.run(swallow)
    assert isinstance(raised.value.orig, InFailedSqlTransaction)
    assert await native.read(list_ids) == []


async def test_a_reading_unit_sees_one_state_of_the_database(native: Database, postgres_url: str) -> None:
    def count_twice(connection: sa.Connection) -> tuple[int, int]:
        first = len(list_ids(connection))
        with psycopg.connect(postgres_url) as other:
            other.execute("INSERT INTO item (id) VALUES (1)")
        return first, len(list_ids(connection))

    assert await native.read(count_twice) == (0, 0)
    assert await native.read(list_ids) == [1]
