"""Whether a database has the schema that this version needs, and how an empty one gets it.

All functions are units of work. Migrations between versions are in `migrations/`; an empty database
is filled from `tables/` directly, which comes to the same (`tests/database/test_schema.py` compares
the two) and needs no Alembic.
"""

from __future__ import annotations

from enum import StrEnum

import attrs
import sqlalchemy as sa

from flowcore.database.tables import metadata, pool
from flowcore.domain.dags import DEFAULT_POOL
from flowcore.errors import DatabaseOutOfDate

#: The newest migration. They are numbered, so that older and newer can be told apart.
HEAD = "0015"

#: A name of our own: in the database of an Airflow, `alembic_version` is there already.
VERSION_TABLE = "flowcore_schema"

DEFAULT_POOL_SLOTS = 128

#: As Alembic would create it.
_version = sa.Table(
    VERSION_TABLE,
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

#: Any number that nobody else locks; these are the bytes of "flow".
_LOCK_KEY = int.from_bytes(b"flow", "big")


class SchemaState(StrEnum):
    """How the schema in a database relates to the one that this version needs."""

    CURRENT = "current"
    EMPTY = "empty"
    BEHIND = "behind"
    AHEAD = "ahead"  # made by a newer flowcore
    FOREIGN = "foreign"  # has tables of our names that are not ours


@attrs.frozen
class SchemaStatus:
    """What `check` found. `revision` is the last migration that the database saw, None if none did."""

    state: SchemaState
    revision: str | None = None
    foreign_tables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _DESCRIPTIONS[self.state].format(
            revision=self.revision, head=HEAD, tables=", ".join(self.foreign_tables)
        )


_DESCRIPTIONS = {
    SchemaState.CURRENT: "the database has schema {revision}, which is current",
    SchemaState.EMPTY: "the database has no schema yet; run `flowcore db migrate`",
    SchemaState.BEHIND: (
        "the database has schema {revision} and this version needs {head}; run `flowcore db migrate`"
    ),
    SchemaState.AHEAD: (
        "the database has schema {revision}, made by a newer flowcore than this one, which knows {head}; "
        "upgrade flowcore"
    ),
    SchemaState.FOREIGN: (
        "the database has tables that flowcore did not create ({tables}); give flowcore a database of its own"
    ),
}


def check(connection: sa.Connection) -> SchemaStatus:
    """Look at the schema; changes nothing."""
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        foreign = tuple(sorted(tables & set(metadata.tables)))
        return SchemaStatus(SchemaState.FOREIGN if foreign else SchemaState.EMPTY, foreign_tables=foreign)
    revision = connection.scalar(sa.select(_version.c.version_num))
    return SchemaStatus(_state_of(revision), revision)


def _state_of(revision: str | None) -> SchemaState:
    if revision is None or revision == HEAD:
        return SchemaState.EMPTY if revision is None else SchemaState.CURRENT
    return SchemaState.BEHIND if revision < HEAD else SchemaState.AHEAD


def require_current(connection: sa.Connection) -> None:
    """Return if the schema is the one that this version needs.

    Raises:
        DatabaseOutOfDate: it is another one, or there is none.
    """
    status = check(connection)
    if status.state is not SchemaState.CURRENT:
        raise DatabaseOutOfDate(str(status))


def prepare(connection: sa.Connection, *, default_pool_slots: int = DEFAULT_POOL_SLOTS) -> None:
    """Create the schema and the default pool in an empty database; of any other require the schema.

    Raises:
        DatabaseOutOfDate: the database has another schema. It is not migrated unasked.
    """
    if check(connection).state is SchemaState.EMPTY:
        wait_for_others(connection)
        _create_if_empty(connection, default_pool_slots=default_pool_slots)
    require_current(connection)


def reset(connection: sa.Connection, *, default_pool_slots: int = DEFAULT_POOL_SLOTS) -> None:
    """Delete everything that flowcore keeps, and begin anew with an empty schema.

    Raises:
        DatabaseOutOfDate: the tables are not ours, or a newer flowcore's; they were left alone.
    """
    wait_for_others(connection)
    status = check(connection)
    if status.state in (SchemaState.FOREIGN, SchemaState.AHEAD):
        raise DatabaseOutOfDate(str(status))
    metadata.drop_all(connection)
    _version.drop(connection, checkfirst=True)
    _create_if_empty(connection, default_pool_slots=default_pool_slots)


def wait_for_others(connection: sa.Connection) -> None:
    """Keep other processes from changing the schema until the end of this transaction.

    SQLite lets one process write at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))


def create_default_pool(connection: sa.Connection, *, slots: int) -> None:
    """Create the pool of all tasks that name none, unless it is there."""
    row = sa.select(sa.literal(DEFAULT_POOL), sa.literal(slots), sa.false())
    absent = ~sa.exists().where(pool.c.name == DEFAULT_POOL)
    connection.execute(pool.insert().from_select(["name", "slots", "include_deferred"], row.where(absent)))


def _create_if_empty(connection: sa.Connection, *, default_pool_slots: int) -> None:
    # Looked at again: whoever held the lock before us may have done it.
    if check(connection).state is SchemaState.EMPTY:
        metadata.create_all(connection)
        _version.create(connection, checkfirst=True)
        connection.execute(_version.insert().values(version_num=HEAD))
        create_default_pool(connection, slots=default_pool_slots)
