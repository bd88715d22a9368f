"""The plans that PostgreSQL makes for the statements of a unit of work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from flowcore.database.postgres_driver import SESSION_SETTINGS


@contextmanager
def engine_on(postgres_url: str) -> Iterator[sa.Engine]:
    """A plain engine, for units outside of a loop, that plans as our own connections do."""
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute(SESSION_SETTINGS))
    try:
        yield engine
    finally:
        engine.dispose()


def plans_of(engine: sa.Engine, unit: Callable[[sa.Connection], object]) -> str:
    """Run a unit, undo it, and return the plans of its statements."""
    with engine.connect() as connection:
        executed = _record(connection, unit)
        connection.rollback()
        return "\n".join(_explain(connection, *statement) for statement in executed)


def _record(connection: sa.Connection, unit: Callable[[sa.Connection], object]) -> list[tuple[str, Any]]:
    executed: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, parameters: Any, *others: object) -> None:
        executed.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", note)
    unit(connection)
    sa.event.remove(connection, "before_cursor_execute", note)
    return executed


def _explain(connection: sa.Connection, statement: str, parameters: Any) -> str:
    cursor = connection.connection.cursor()
    cursor.execute(f"EXPLAIN {statement}", parameters)
    return "\n".join(line for (line,) in cursor.fetchall())
