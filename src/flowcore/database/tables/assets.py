"""Assets, the events that update them, and which Dags have not consumed them yet."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata
from flowcore.database.types import Json, UtcDateTime

asset = sa.Table(
    "asset",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.UniqueConstraint("name", "uri"),
)

asset_event = sa.Table(
    "asset_event",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("asset_id", sa.BigInteger, nullable=False),
    sa.Column("extra", Json, nullable=False),
    sa.Column("source_task_instance_id", sa.BigInteger),
    sa.Column("partition_key", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_asset_event_asset_id", "asset_id", "created_at"),
)

asset_dag_run_queue = sa.Table(
    "asset_dag_run_queue",
    metadata,
    sa.Column("asset_id", sa.BigInteger, nullable=False),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("asset_id", "dag_id"),
)
