"""The schema of a simulation's database: made once per process, and then said to SQLite in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa

from flowcore.database.schema import prepare


def prepare_in_memory(connection: sa.Connection) -> None:
    """Do what `prepare` does for an empty SQLite database, without compiling it again."""
    raw = connection.connection.driver_connection
    assert raw is not None
    for statement in _statements():
        raw.execute(statement)


@lru_cache(maxsize=1)
def _statements() -> Sequence[str]:
    with sa.create_engine("sqlite://").connect() as connection:
        prepare(connection)
        connection.commit()
        raw = connection.connection.driver_connection
        assert raw is not None
        return [line for line in raw.iterdump() if not line.startswith(("BEGIN", "COMMIT"))]
