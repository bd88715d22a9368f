"""What the inline lane sends straight to SQLite comes to the same as what SQLAlchemy would have sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from flowcore.database.direct_connection import DirectConnection, DirectResult
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.types import Json, UtcDateTime

NOTES = sa.Table(
    "note",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("noted_at", UtcDateTime),
    sa.Column("document", Json),
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSERT, SELECT = NOTES.insert(), sa.select(NOTES).order_by(NOTES.c.id)
WITH_DEFAULT = sa.select(NOTES.c.id).where(NOTES.c.id > sa.bindparam("above", 1))
_wanted = rows_of("wanted", id=sa.Integer)
DELETE = NOTES.delete().where(NOTES.c.id.in_(sa.select(_wanted.c.id))).returning(NOTES.c.id)
IN_A_LIST = sa.select(NOTES.c.id).where(NOTES.c.id.in_([1, 2])).order_by(NOTES.c.id)


@pytest.fixture
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    with DirectConnection(engine) as connection:
        NOTES.create(connection)
        for number in (1, 2, 3):
            connection.execute(INSERT, {"id": number, "noted_at": NOON, "document": {"number": number}})
        yield connection


def twice(connection: sa.Connection, statement: sa.Executable, **values: object) -> list[object]:
    """Execute a statement in SQLAlchemy's way and in ours; the rows of both."""
    slow, fast = (connection.execute(statement, values) for _ in range(2))
    assert (isinstance(slow, DirectResult), isinstance(fast, DirectResult)) == (False, True)
    return [slow.all(), fast.all()]


def test_values_are_converted_on_their_way_in_and_out(connection: sa.Connection) -> None:
    slow, fast = twice(connection, sa.select(NOTES).order_by(NOTES.c.id))
    assert slow == fast
    row = connection.execute(SELECT).first()
    assert row is not None
    assert (row.id, row.noted_at, row.document) == (1, NOON, {"number": 1})


@pytest.mark.parametrize("values", [{}, {"above": 2}])
def test_a_parameter_may_have_a_default(connection: sa.Connection, values: dict[str, int]) -> None:
    slow, fast = twice(connection, WITH_DEFAULT.order_by(NOTES.c.id), **values)
    assert slow == fast == [(number,) for number in (2, 3) if number > values.get("above", 1)]


def test_an_insert_is_told_apart_by_the_columns_that_it_is_given(connection: sa.Connection) -> None:
    for number in (4, 5):
        connection.execute(INSERT, {"id": number, "noted_at": NOON})
    rows = connection.execute(SELECT).all()[3:]
    assert [(row.noted_at, row.document) for row in rows] == [(NOON, None)] * 2


def test_rows_are_counted_and_returned(connection: sa.Connection) -> None:
    for number in (1, 2):
        deleted = connection.execute(DELETE, {"wanted": dump_rows([(number,)])})
        assert deleted.scalars().all() == [number]
    assert deleted.rowcount == 1


def test_a_refusal_is_sqlalchemys_error(connection: sa.Connection) -> None:
    with pytest.raises(IntegrityError, match="UNIQUE"):
        connection.execute(INSERT, {"id": 1, "noted_at": NOON, "document": None})


def test_a_statement_that_is_more_than_a_text_takes_the_long_way(connection: sa.Connection) -> None:
    assert [connection.scalars(IN_A_LIST).all() for _ in range(3)] == [[1, 2]] * 3
