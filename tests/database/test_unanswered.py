"""Statements whose answer nobody reads."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database.engine import open_database
from flowcore.database.unanswered import unanswered

numbers = sa.table("numbers", sa.column("n", sa.Integer))
INSERT = numbers.insert().values(n=sa.bindparam("value"))
DELETE = numbers.delete().where(numbers.c.n < 0).returning(numbers.c.n)


def create(connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))


def insert(connection: sa.Connection, *values: int) -> None:
    connection.execute(DELETE)
    for value in values:
        connection.execute(unanswered(INSERT), {"value": value})


def read(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(numbers.c.n).order_by(numbers.c.n)))


async def test_unanswered_statements_are_carried_out_by_the_commit(database_url: str) -> None:
    async with open_database(database_url) as database:
        await database.run(create)
        await database.run(insert, 1, 2, 3)
        assert await database.read(read) == [1, 2, 3]


async def test_unanswered_statements_come_before_the_next_statement(database_url: str) -> None:
    def insert_and_read(connection: sa.Connection, value: int) -> list[int]:
        insert(connection, value)
        return read(connection)

    async with open_database(database_url) as database:
        await database.run(create)
        assert [await database.run(insert_and_read, n) for n in (1, 2, 3)][-1] == [1, 2, 3]


async def test_a_unit_whose_unanswered_statement_fails_is_rolled_back(database_url: str) -> None:
    async with open_database(database_url) as database:
        await database.run(create)
        await database.run(insert, 1, 2)  # prepared from now on
        with pytest.raises(sa.exc.IntegrityError):
            await database.run(insert, 3, 2)
        await database.run(insert, 4)
        assert await database.read(read) == [1, 2, 4]


async def test_unanswered_statements_cost_no_round_trip(postgres_url: str) -> None:
    async with open_database(postgres_url) as database:
        await database.run(create)
        await database.run(insert, 1, 2, 3)
        before = database.statistics()
        await database.run(insert, 4, 5, 6)
        done = database.statistics().since(before)
        # DELETE found nothing, so the first INSERT learns the transaction's id; the others go with COMMIT.
        assert (done.statements, done.round_trips) == (4, 3)
