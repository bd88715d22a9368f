"""Connections and variables as rows. These units see tokens only: encryption is their callers' matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.queries.upserts import put_rows
from flowcore.database.tables import connection as connections
from flowcore.database.tables import variable as variables
from flowcore.database.wakeups import wake
from flowcore.secrets.service import CHANNEL


@attrs.frozen
class ConnectionRow:
    """A row of `connection`."""

    conn_id: str
    conn_type: str
    host: str | None
    login: str | None
    password: str | None = attrs.field(repr=False)
    schema: str | None
    extra: str | None = attrs.field(repr=False)
    description: str | None
    port: int | None
    is_encrypted: bool


@attrs.frozen
class VariableRow:
    """A row of `variable`."""

    key: str
    value: str = attrs.field(repr=False)
    description: str | None
    is_encrypted: bool


def list_connections(connection: sa.Connection) -> Sequence[ConnectionRow]:
    """Every connection, by id."""
    rows = connection.execute(sa.select(connections).order_by(connections.c.conn_id))
    return [ConnectionRow(*row) for row in rows]


def find_connection(connection: sa.Connection, conn_id: str) -> ConnectionRow | None:
    """The connection of that id, if there is one."""
    row = connection.execute(sa.select(connections).where(connections.c.conn_id == conn_id)).first()
    return ConnectionRow(*row) if row else None


def put_connections(connection: sa.Connection, rows: Sequence[ConnectionRow]) -> None:
    """Write connections, over those that are there."""
    _put(connection, connections, [attrs.asdict(row) for row in rows])


def add_connections(
    connection: sa.Connection, rows: Sequence[ConnectionRow], *, overwrite: bool
) -> Sequence[str]:
    """Write connections; unless `overwrite`, the ids that are taken are returned and nothing is written."""
    given = [row.conn_id for row in rows]
    known = sa.select(connections.c.conn_id).where(connections.c.conn_id.in_(given))
    taken = () if overwrite else sorted(connection.scalars(known))
    if not taken:
        put_connections(connection, rows)
    return taken


def delete_connection(connection: sa.Connection, conn_id: str) -> bool:
    """Delete a connection; false when there is none."""
    wake(connection, CHANNEL)
    deleted = connection.execute(connections.delete().where(connections.c.conn_id == conn_id))
    return deleted.rowcount > 0


def list_variables(connection: sa.Connection, prefix: str = "") -> Sequence[VariableRow]:
    """Every variable whose key begins with `prefix`, by key."""
    wanted = variables.c.key.startswith(prefix, autoescape=True)
    rows = connection.execute(sa.select(variables).where(wanted).order_by(variables.c.key))
    # LIKE ignores case on SQLite.
    return [VariableRow(*row) for row in rows if row.key.startswith(prefix)]


def find_variable(connection: sa.Connection, key: str) -> VariableRow | None:
    """The variable of that key, if there is one."""
    row = connection.execute(sa.select(variables).where(variables.c.key == key)).first()
    return VariableRow(*row) if row else None


def put_variables(connection: sa.Connection, rows: Sequence[VariableRow]) -> None:
    """Write variables, over those that are there."""
    _put(connection, variables, [attrs.asdict(row) for row in rows])


def delete_variable(connection: sa.Connection, key: str) -> bool:
    """Delete a variable; false when there is none."""
    wake(connection, CHANNEL)
    return connection.execute(variables.delete().where(variables.c.key == key)).rowcount > 0


def rewrite_secrets(
    connection: sa.Connection,
    rewrite_connection: Callable[[ConnectionRow], ConnectionRow],
    rewrite_variable: Callable[[VariableRow], VariableRow],
) -> int:
    """Replace every row by what becomes of it; how many there are."""
    connection_rows = [rewrite_connection(row) for row in list_connections(connection)]
    variable_rows = [rewrite_variable(row) for row in list_variables(connection)]
    put_connections(connection, connection_rows)
    put_variables(connection, variable_rows)
    return len(connection_rows) + len(variable_rows)


def _put(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    wake(connection, CHANNEL)
    put_rows(connection, table, rows)
