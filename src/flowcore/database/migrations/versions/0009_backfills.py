"""Backfills, the dates that they cover, and which runs belong to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade(op: Operations) -> None:
    op.create_table(
        "backfill",
        sa.Column("id", Identity, sa.Identity(), nullable=False),
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("from_date", UtcDateTime, nullable=False),
        sa.Column("to_date", UtcDateTime, nullable=False),
        sa.Column("conf", Json),
        sa.Column("is_paused", sa.Boolean, nullable=False),
        sa.Column("run_backwards", sa.Boolean, nullable=False),
        sa.Column("reprocess_behavior", sa.Text, nullable=False),
        sa.Column("max_active_runs", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("completed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("id", name="pk_backfill"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "backfill_date",
        sa.Column("backfill_id", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("logical_date", UtcDateTime, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("dag_run_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("backfill_id", "ordinal", name="pk_backfill_date"),
    )
    op.add_column("dag_run", sa.Column("backfill_id", sa.BigInteger))
    op.add_column("dag_run", sa.Column("backfill_ordinal", sa.Integer))
    _create_partial_index(
        op, "ix_backfill_active", "backfill", "dag_id", where="completed_at IS NULL", unique=True
    )
    of_backfill = "backfill_id IS NOT NULL"
    _create_partial_index(op, "ix_dag_run_backfill", "dag_run", "backfill_id", where=of_backfill)


def _create_partial_index(
    op: Operations, name: str, table: str, column: str, *, where: str, unique: bool = False
) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column], unique=unique, postgresql_where=condition, sqlite_where=condition)
