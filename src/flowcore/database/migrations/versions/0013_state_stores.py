"""State that tasks keep beyond their tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")


def upgrade(op: Operations) -> None:
    op.create_table(
        "task_state_store",
        sa.Column("task_instance_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.PrimaryKeyConstraint("task_instance_id", "key", name="pk_task_state_store"),
    )
    condition = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "ix_task_state_store_expiring",
        "task_state_store",
        ["expires_at"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.create_table(
        "asset_state_store",
        sa.Column("asset_id", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "key", name="pk_asset_state_store"),
    )
