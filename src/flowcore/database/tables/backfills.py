"""Backfills, and what they did about each of their dates."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

#: Of a Dag one at a time is not completed. Their runs carry `backfill_id`.
backfill = sa.Table(
    "backfill",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
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
    partial_index("ix_backfill_active", "dag_id", where="completed_at IS NULL", unique=True),
    sqlite_autoincrement=True,
)

#: One row per date; `dag_run_id` is null where the run was left alone, for the reason that `action` gives.
backfill_date = sa.Table(
    "backfill_date",
    metadata,
    sa.Column("backfill_id", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("logical_date", UtcDateTime, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("dag_run_id", sa.BigInteger),
    sa.PrimaryKeyConstraint("backfill_id", "ordinal"),
)
