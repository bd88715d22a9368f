"""Many incoming rows as one bind parameter, for set-based statements on both databases.

A statement for a batch has one shape whatever the size of the batch, so it is compiled and prepared
once, and a batch of fifty rows costs one round trip:

    moved = rows_of("rows", id=BigInteger, state=Text)
    statement = update(t).values(state=moved.c.state).where(t.c.id == moved.c.id).returning(t.c.id)
    connection.execute(statement, {"rows": dump_rows([(1, "queued"), (2, "queued")])})

The parameter is the text of a JSON array of arrays, whose values stand in the order of the declared
columns (of the spellings measured, PostgreSQL takes this one apart fastest). Order of rows is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from flowcore.database.types import INSTANT_WIDTH, UtcDateTime, instant_text

ColumnType = sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]


def rows_of(name: str, /, **columns: ColumnType) -> sa.Subquery:
    """Incoming rows with typed `columns`, read from the bind parameter `name`, as something to select from.

    Usable in joins, `UPDATE … FROM`, `insert().from_select()` and as a filter. A value that is JSON
    `null` is SQL NULL. Two of them in one statement need different names.
    """
    parameter = sa.bindparam(name, type_=sa.Text)
    elements = _Elements(parameter).table_valued("value", name=f"{name}_json")
    fields = [
        _field(elements.c.value, position, sa.types.to_instance(column)).label(key)
        for position, (key, column) in enumerate(columns.items())
    ]
    return sa.select(*fields).select_from(elements).subquery(name)


def dump_rows(rows: Iterable[Sequence[object]]) -> str:
    """The bind value of `rows_of`: each row a sequence in the order of the declared columns.

    Values may be JSON values, aware datetimes and members of string enums.
    """
    return _ENCODER.encode(list(rows))


def _encode_other(value: object) -> str:
    if isinstance(value, datetime):
        # The offset is for PostgreSQL, which would read a bare time in the session's zone.
        return f"{instant_text(value)}+00:00"
    raise TypeError(f"{value!r} cannot be sent as part of a row; convert it to a JSON value first")


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_encode_other, allow_nan=False)


def _field(
    row: sa.ColumnElement[Any], position: int, column: sa.types.TypeEngine[Any]
) -> sa.ColumnElement[Any]:
    # Positions are literals: they belong to the statement's shape, not to its parameters.
    at = sa.literal_column(str(position), sa.Integer)
    if isinstance(column, sa.JSON):
        return sa.type_coerce(_Document(row, at), column)
    if isinstance(column, UtcDateTime):
        return sa.cast(_Instant(row, at), column)
    return sa.cast(_Scalar(row, at), column)


class _Elements(FunctionElement[Any]):
    """The elements of a JSON array, one row each, in a column called `value`."""

    name = "flowcore_elements"
    inherit_cache = True


class _Scalar(FunctionElement[Any]):
    """The value at a position of a JSON array as plain SQL, which a cast then types."""

    name = "flowcore_scalar"
    inherit_cache = True
    type = sa.Text()


class _Instant(_Scalar):
    """The same for a time, in the form in which the database keeps times."""

    inherit_cache = True


class _Document(_Scalar):
    """The same, left a JSON document."""

    inherit_cache = True


@compiles(_Elements, "postgresql")
def _elements_on_postgresql(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSONB))"


@compiles(_Elements, "sqlite")
def _elements_on_sqlite(element: _Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Scalar, "postgresql")
def _scalar_on_postgresql(element: _Scalar, compiler: SQLCompiler, **kw: Any) -> str:
    row, at = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({row} ->> {at})"


@compiles(_Scalar, "sqlite")
def _scalar_on_sqlite(element: _Scalar, compiler: SQLCompiler, **kw: Any) -> str:
    row, at = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"json_extract({row}, '$[{at}]')"


@compiles(_Instant, "sqlite")
def _instant_on_sqlite(element: _Instant, compiler: SQLCompiler, **kw: Any) -> str:
    return f"substr({_scalar_on_sqlite(element, compiler, **kw)}, 1, {INSTANT_WIDTH})"


@compiles(_Document, "postgresql")
def _document_on_postgresql(element: _Document, compiler: SQLCompiler, **kw: Any) -> str:
    row, at = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"nullif({row} -> {at}, 'null')"


@compiles(_Document, "sqlite")
def _document_on_sqlite(element: _Document, compiler: SQLCompiler, **kw: Any) -> str:
    row, at = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"nullif({row} -> '$[{at}]', 'null')"
