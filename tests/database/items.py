"""A table to try lanes on, and the plainest units for it."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.types import Json, UtcDateTime
from flowcore.database.wakeups import wake

METADATA = sa.MetaData()
ITEMS = sa.Table(
    "item",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text),
    sa.Column("seen_at", UtcDateTime),
    sa.Column("document", Json),
    sa.Column("is_big", sa.Boolean),
)

_IDS = rows_of("ids", id=sa.BigInteger)
_INSERT = ITEMS.insert().from_select(["id"], sa.select(_IDS.c.id))


def create_items(connection: sa.Connection) -> None:
    METADATA.create_all(connection)


def insert_items(connection: sa.Connection, *ids: int) -> None:
    """Insert all of them by one statement, and wake `items`."""
    connection.execute(_INSERT, {"ids": dump_rows((item_id,) for item_id in ids)})
    wake(connection, "items")


def list_ids(connection: sa.Connection) -> list[int]:
    return list(connection.scalars(sa.select(ITEMS.c.id).order_by(ITEMS.c.id)))
