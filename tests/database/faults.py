"""Trouble for databases: units cancelled and connections cut at random, and what must hold afterwards.

A unit of the storm inserts `ITEMS_PER_UNIT` items in two statements with a pause between them, so that
there is much time to be hit in and half a unit would show.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable

import anyio
import attrs
import psycopg
import sqlalchemy as sa

from flowcore.database.engine import Database
from tests.database.items import insert_items, list_ids

ITEMS_PER_UNIT = 4
WORKERS = 16


@attrs.define
class Fates:
    """What the callers were told about their units."""

    returned: set[int] = attrs.Factory(set)
    cancelled: set[int] = attrs.Factory(set)


def storm_unit(connection: sa.Connection, number: int) -> int:
    """Insert the items of one unit, in two steps."""
    first = number * ITEMS_PER_UNIT
    insert_items(connection, first, first + 1)
    _dawdle(connection, random.random() * 0.004)
    insert_items(connection, first + 2, first + 3)
    return number


def _dawdle(connection: sa.Connection, seconds: float) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
    else:
        time.sleep(seconds)


async def run_units(database: Database, numbers: Iterable[int], *, longest_s: float | None = None) -> Fates:
    """Run units by several workers, most units cancelled after at most `longest_s`, if given."""
    fates = Fates()
    remaining = iter(numbers)

    async def work() -> None:
        for number in remaining:
            # Some are never cancelled: a busy machine may finish none in time.
            is_patient = longest_s is None or random.random() < 0.1
            budget_s = None if is_patient else random.random() ** 1.5 * (longest_s or 0)
            with anyio.move_on_after(budget_s) as scope:
                fates.returned.add(await database.run(storm_unit, number))
            if scope.cancelled_caught:
                fates.cancelled.add(number)

    async with anyio.create_task_group() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(work)
    return fates


async def committed_units(database: Database) -> set[int]:
    """The units whose items are there; none may be there in part."""
    found = Counter(item_id // ITEMS_PER_UNIT for item_id in await database.read(list_ids))
    partial = {unit: count for unit, count in found.items() if count != ITEMS_PER_UNIT}
    assert not partial
    return set(found)


def sessions(postgres_url: str) -> Counter[str]:
    """The database's sessions by state, without the one that asks."""
    query = (
        "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with psycopg.connect(postgres_url) as connection:
        return Counter(state for (state,) in connection.execute(query))


def end_a_session(postgres_url: str) -> None:
    """Terminate the server process of one session, at random, as an administrator might."""
    query = (
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend'"
        " AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) victim"
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(query)
