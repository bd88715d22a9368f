"""Callbacks of Dags and tasks that are waiting to be run, apart from the scheduler."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

callback = sa.Table(
    "callback",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("dag_run_id", sa.BigInteger, nullable=False),
    sa.Column("task_instance_id", sa.BigInteger),
    sa.Column("request", Json, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("lease_id", sa.BigInteger),
    sa.Column("created_at", UtcDateTime, nullable=False),
    partial_index("ix_callback_pending", "created_at", where="state = 'pending'"),
)
