"""Partitions: the keys of events and of runs, and for which partitions of a Dag an event counts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")

_INDEXES = (
    ("new", ["dag_id"], "state = 'new'"),
    ("pending", ["dag_id", "event_id"], "dag_run_id IS NULL"),
    ("consumed", ["dag_run_id"], "dag_run_id IS NOT NULL"),
)


def upgrade(op: Operations) -> None:
    op.add_column("dag_run", sa.Column("partition_key", sa.Text))
    op.add_column("dag_run", sa.Column("partition_date", UtcDateTime))
    # SQLite writes a column that it adds to the end in another way than one that was there from the start.
    anew: Any = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    options = {"sqlite_autoincrement": True}
    with op.batch_alter_table("asset_event", recreate=anew, table_kwargs=options) as event:
        event.add_column(sa.Column("partition_key", sa.Text))
    op.add_column("asset_schedule", sa.Column("partitions", Json))
    _widen_deliveries(op)


def _widen_deliveries(op: Operations) -> None:
    # SQLite cannot change a primary key.
    op.execute(sa.text("CREATE TABLE asset_delivery_before AS SELECT * FROM asset_delivery"))
    op.drop_table("asset_delivery")
    op.create_table(
        "asset_delivery",
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("partition_key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("dag_run_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("dag_id", "event_id", "partition_key", name="pk_asset_delivery"),
    )
    op.execute(
        sa.text(
            "INSERT INTO asset_delivery (dag_id, event_id, partition_key, state, dag_run_id)"
            " SELECT dag_id, event_id, '', state, dag_run_id FROM asset_delivery_before"
        )
    )
    op.drop_table("asset_delivery_before")
    for name, columns, where in _INDEXES:
        condition = sa.text(where)
        op.create_index(
            f"ix_asset_delivery_{name}",
            "asset_delivery",
            columns,
            postgresql_where=condition,
            sqlite_where=condition,
        )
