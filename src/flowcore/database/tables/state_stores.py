"""State that tasks keep beyond their tries: of a task instance, and of an asset. `value` is a JSON text."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import metadata, partial_index
from flowcore.database.types import UtcDateTime

task_state_store = sa.Table(
    "task_state_store",
    metadata,
    sa.Column("task_instance_id", sa.BigInteger, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.PrimaryKeyConstraint("task_instance_id", "key"),
    partial_index("ix_task_state_store_expiring", "expires_at", where="expires_at IS NOT NULL"),
)

asset_state_store = sa.Table(
    "asset_state_store",
    metadata,
    sa.Column("asset_id", sa.BigInteger, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("asset_id", "key"),
)
