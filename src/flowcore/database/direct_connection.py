"""A SQLAlchemy connection that sends a statement it knows straight to SQLite, compiled once per process.

For the inline lane, in whose simulations most of the time went into what SQLAlchemy does around a statement.
It knows a statement that it has seen before. Those made anew for each execution, many at once, plain texts,
and the few that are more than a text and its parameters take SQLAlchemy's way, on the same connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import attrs
import sqlalchemy as sa
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]


@attrs.frozen
class Plan:
    """A compiled statement: its text, where each parameter comes from, and what its rows look like."""

    text: str
    parameters: tuple[Callable[[Values], Any], ...]
    columns: SimpleResultMetaData


class DirectResult(IteratorResult[Any]):
    """The rows of a statement, which have all been read."""

    rowcount: int


class DirectConnection(sa.Connection):
    """Its `execute` does what SQLAlchemy's does, sooner."""

    def execute(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        if isinstance(parameters, list) or options:
            return super().execute(statement, parameters, **options)
        values = parameters or {}
        plan = _plan_of(statement, values, self.dialect)
        return super().execute(statement, parameters) if plan is None else self._execute(plan, values)

    def scalar(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalar()

    def scalars(self, statement: Any, parameters: Any = None, **options: Any) -> Any:
        return self.execute(statement, parameters, **options).scalars()

    def _execute(self, plan: Plan, values: Values) -> DirectResult:
        parameters = [value_of(values) for value_of in plan.parameters]
        raw: Any = self.connection.driver_connection
        try:
            cursor = raw.cursor().execute(plan.text, parameters)
            rows = cursor.fetchall()
        except sqlite3.Error as error:
            raise sa.exc.DBAPIError.instance(
                plan.text, parameters, error, sqlite3.Error, dialect=self.dialect
            ) from error
        result = DirectResult(plan.columns, iter(rows))
        result.rowcount = cursor.rowcount
        return result


#: By statement, and by the names of the parameters, which are part of what an INSERT or UPDATE says. A
#: statement that was seen once has no plan yet, one that is beyond us has None.
_plans: WeakKeyDictionary[sa.Executable, dict[tuple[str, ...], Plan | None]] = WeakKeyDictionary()


def _plan_of(statement: sa.Executable, values: Values, dialect: sa.Dialect) -> Plan | None:
    plans, names = _plans.get(statement), tuple(values)
    if plans is None:
        _plans[statement] = {}
        return None
    if names not in plans:
        plans[names] = _make_plan(statement, names, dialect)
    return plans[names]


def _make_plan(statement: Any, names: tuple[str, ...], dialect: sa.Dialect) -> Plan | None:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    is_plain = isinstance(compiled, SQLCompiler) and isinstance(
        statement, sa.Select | sa.CompoundSelect | sa.TextualSelect | sa.Update | sa.Delete | sa.Insert
    )
    if not is_plain or compiled.post_compile_params or compiled.insert_prefetch or compiled.update_prefetch:
        return None
    columns = list(statement.exported_columns.items())
    processors = [column.type.dialect_impl(dialect).result_processor(dialect, None) for _, column in columns]
    return Plan(
        compiled.string,
        tuple(_parameter(compiled.binds[name], dialect) for name in compiled.positiontup or ()),
        SimpleResultMetaData(
            [key for key, _ in columns], _processors=processors if any(processors) else None
        ),
    )


def _parameter(bind: sa.BindParameter[Any], dialect: sa.Dialect) -> Callable[[Values], Any]:
    process = bind.type.dialect_impl(dialect).bind_processor(dialect)
    key, is_required = bind.key, bind.required
    if not is_required and bind.callable is None:
        constant = process(bind.value) if process else bind.value
        return lambda values: (
            constant if key not in values else process(values[key]) if process else values[key]
        )
    if process is None:
        return lambda values: values[key]
    return lambda values: process(values[key])
