"""Batches of rows as one parameter mean the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from flowcore.database.engine import Database
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.types import Json, UtcDateTime
from tests.database.items import ITEMS, insert_items

MOMENT = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
INCOMING = rows_of(
    "incoming", id=sa.BigInteger, state=sa.Text, seen_at=UtcDateTime, document=Json, is_big=sa.Boolean
)
INSERT = ITEMS.insert().from_select(list(INCOMING.c.keys()), sa.select(INCOMING))
ROWS: list[tuple[Any, ...]] = [
    (1, "é\"'\\☃", MOMENT, {"a": [1, None, True]}, True),
    (2, None, None, None, None),
    (3, "", MOMENT, False, False),
    (2**62, "null", MOMENT, "null", True),
]


class State(StrEnum):
    QUEUED = "queued"


def insert_rows(connection: sa.Connection) -> list[tuple[Any, ...]]:
    connection.execute(INSERT, {"incoming": dump_rows(ROWS)})
    return [tuple(row) for row in connection.execute(sa.select(ITEMS).order_by(ITEMS.c.id))]


async def test_inserted_rows_are_those_sent(database: Database) -> None:
    assert await database.run(insert_rows) == ROWS


async def test_updates_touch_the_rows_sent_and_return_them(database: Database) -> None:
    moved = rows_of("moved", id=sa.BigInteger, state=sa.Text)
    statement = ITEMS.update().values(state=moved.c.state).where(ITEMS.c.id == moved.c.id)

    def update(connection: sa.Connection) -> list[tuple[Any, ...]]:
        insert_items(connection, 1, 2, 3)
        rows = {"moved": dump_rows([(1, State.QUEUED), (3, State.QUEUED), (4, State.QUEUED)])}
        changed = connection.execute(statement.returning(ITEMS.c.id, ITEMS.c.state), rows)
        return sorted(tuple(row) for row in changed)

    assert await database.run(update) == [(1, "queued"), (3, "queued")]


async def test_times_in_rows_equal_stored_times(database: Database) -> None:
    seen = rows_of("seen", seen_at=UtcDateTime)
    statement = sa.select(ITEMS.c.id).join(seen, seen.c.seen_at == ITEMS.c.seen_at)

    def find(connection: sa.Connection) -> list[int]:
        insert_rows(connection)
        return sorted(connection.scalars(statement, {"seen": dump_rows([(MOMENT,)])}))

    assert await database.run(find) == [1, 3, 2**62]


async def test_no_rows_are_no_rows(database: Database) -> None:
    statement = sa.select(sa.func.count()).select_from(INCOMING)
    assert await database.read(lambda c: c.scalar(statement, {"incoming": dump_rows([])})) == 0


async def test_two_batches_can_meet_in_one_statement(database: Database) -> None:
    left, right = rows_of("first", id=sa.Integer), rows_of("second", id=sa.Integer)
    statement = sa.select(left.c.id).join(right, left.c.id == right.c.id)
    parameters = {"first": dump_rows([(1,), (2,)]), "second": dump_rows([(2,), (3,)])}
    assert await database.read(lambda c: c.scalars(statement, parameters).all()) == [2]


async def test_batches_of_any_size_share_one_compiled_statement(database: Database) -> None:
    def compiled_after(connection: sa.Connection, count: int) -> int:
        connection.execute(
            INSERT, {"incoming": dump_rows((count * 100 + n, *ROWS[1][1:]) for n in range(count))}
        )
        cache: Any = connection.engine._compiled_cache  # what would grow without bounds
        return len(cache)

    assert await database.run(compiled_after, 1) == await database.run(compiled_after, 50)


def test_values_without_a_json_form_are_refused() -> None:
    with pytest.raises(TypeError, match="convert it"):
        dump_rows([(object(),)])
