"""Values come back from both databases as they went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from flowcore.database.engine import Database, open_database
from flowcore.database.types import database_now, instant_text
from tests.database.items import ITEMS

MOMENT = datetime(2026, 1, 31, 23, 59, 59, 1, tzinfo=UTC)


def store_and_load(connection: sa.Connection, values: dict[str, Any]) -> dict[str, Any]:
    connection.execute(ITEMS.insert().values(id=1, **values))
    row = connection.execute(sa.select(ITEMS)).one()
    return {name: getattr(row, name) for name in values}


@pytest.mark.parametrize(
    "values",
    [
        {"seen_at": MOMENT},
        {"seen_at": None, "document": None, "is_big": None, "state": None},
        {"document": {"a": [1, 2.5, None, True, 'é"\\'], "b": {}}},
        {"document": [], "is_big": True},
        {"document": "text", "is_big": False},
        {"document": False, "state": "é☃"},
    ],
)
async def test_values_survive_the_round_trip(database: Database, values: dict[str, Any]) -> None:
    assert await database.run(store_and_load, values) == values


async def test_times_of_other_zones_come_back_in_utc(database: Database) -> None:
    moment = MOMENT.astimezone(timezone(timedelta(hours=-7)))
    loaded = await database.run(store_and_load, {"seen_at": moment})
    assert loaded["seen_at"] == moment
    assert loaded["seen_at"].tzinfo is UTC


async def test_naive_times_are_refused(database: Database) -> None:
    with pytest.raises(sa.exc.StatementError, match="aware"):
        await database.run(store_and_load, {"seen_at": MOMENT.replace(tzinfo=None)})


async def test_no_document_is_sql_null(database: Database) -> None:
    def count_missing(connection: sa.Connection) -> int | None:
        store_and_load(connection, {"document": None})
        return connection.scalar(sa.select(sa.func.count()).where(ITEMS.c.document.is_(None)))

    assert await database.run(count_missing) == 1


async def test_the_databases_clock_is_compared_with_stored_times(database: Database) -> None:
    def find_past(connection: sa.Connection) -> list[int]:
        connection.execute(ITEMS.insert().values(id=1, seen_at=database_now(-0.5)))
        connection.execute(
            ITEMS.insert().values(id=2, seen_at=database_now(sa.bindparam("ttl_s"))), {"ttl_s": 60}
        )
        past = sa.select(ITEMS.c.id).where(ITEMS.c.seen_at < database_now())
        return list(connection.scalars(past))

    assert await database.run(find_past) == [1]


async def test_on_sqlite_the_clock_is_the_one_the_database_was_opened_with() -> None:
    class StoppedClock:
        def now(self) -> datetime:
            return MOMENT

    async with open_database("sqlite://", clock=StoppedClock(), inline=True) as database:
        told = await database.read(lambda connection: connection.scalar(sa.select(database_now(60))))
    assert told == MOMENT + timedelta(minutes=1)


@given(one=st.datetimes(timezones=st.timezones()), other=st.datetimes(timezones=st.timezones()))
def test_the_text_of_times_is_ordered_like_the_times(one: datetime, other: datetime) -> None:
    early, late = sorted((one.astimezone(UTC), other.astimezone(UTC)))
    assert instant_text(early) <= instant_text(late)
    assert datetime.fromisoformat(instant_text(early)).replace(tzinfo=UTC) == early
