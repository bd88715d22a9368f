"""The one `MetaData`, with names for every constraint so that migrations can refer to them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: An integer key that the database hands out; SQLite only does so for INTEGER.
Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def partial_index(name: str, *columns: object, where: str, unique: bool = False) -> sa.Index:
    """Make an index over the rows for which `where` (SQL that both databases read) holds."""
    condition = sa.text(where)
    return sa.Index(
        name,
        *columns,  # type: ignore[arg-type]
        unique=unique,
        postgresql_where=condition,
        sqlite_where=condition,
    )
