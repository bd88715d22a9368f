"""Column types and the database's clock, the same on PostgreSQL and SQLite.

Times enter and leave as aware datetimes in UTC. PostgreSQL keeps them as `timestamptz`; SQLite has
no such type and keeps text of a fixed width, `2026-01-31 23:59:59.000000`, whose order is the order
of the times. Every comparison with "now" that several processes must agree on uses
`database_now()`, never the clock of one of them.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flowcore.clock import Clock

#: Characters of a time as SQLite keeps it.
INSTANT_WIDTH = 26


def instant_text(moment: datetime) -> str:
    """The UTC text of an aware `moment` as SQLite keeps it.

    Raises:
        ValueError: `moment` is naive; nobody could say which instant it means.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware datetime, such as datetime.now(UTC)")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An instant: aware datetimes in, aware datetimes in UTC out, microseconds kept."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(INSTANT_WIDTH))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = instant_text(value)  # on PostgreSQL only for its refusal of naive times
        return text if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        moment: datetime = value
        return moment.astimezone(UTC)


#: A JSON document: `jsonb` on PostgreSQL, text on SQLite. `None` is SQL NULL, not the document `null`.
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class _DatabaseNow(FunctionElement[datetime]):
    """Compiles to the clock of the database, plus a number of seconds when one is given."""

    name = "flowcore_now"
    inherit_cache = True
    type = UtcDateTime()


def database_now(plus_s: float | sa.ColumnElement[Any] | None = None) -> sa.ColumnElement[datetime]:
    """The present according to the database's clock, `plus_s` seconds later if given.

    It moves on within a statement and a transaction. On SQLite it is the clock the database was
    opened with, so that a test in virtual time sees virtual leases.
    """
    if plus_s is None:
        return _DatabaseNow()
    return _DatabaseNow(sa.literal(plus_s, sa.Float) if isinstance(plus_s, int | float) else plus_s)


@compiles(_DatabaseNow, "postgresql")
def _now_on_postgresql(element: _DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    plus_s = compiler.process(element.clauses, **kw)
    if not plus_s:
        return "clock_timestamp()"
    return f"(clock_timestamp() + ({plus_s}) * INTERVAL '1 second')"


@compiles(_DatabaseNow, "sqlite")
def _now_on_sqlite(element: _DatabaseNow, compiler: SQLCompiler, **kw: Any) -> str:
    return f"flowcore_now({compiler.process(element.clauses, **kw)})"


def register_clock(raw: sqlite3.Connection, clock: Clock) -> None:
    """Teach one SQLite connection `flowcore_now()`, which reads `clock`."""

    def flowcore_now(plus_s: float = 0.0) -> str:
        return instant_text(clock.now() + timedelta(seconds=plus_s))

    raw.create_function("flowcore_now", 0, flowcore_now)
    raw.create_function("flowcore_now", 1, flowcore_now)
