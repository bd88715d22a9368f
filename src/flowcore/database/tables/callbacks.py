"""Callbacks of Dags: those that are to be called, and how the calls went."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import UtcDateTime

#: A row is claimed under the lease of a scheduler, as a try is: when that lease is gone, the calls were lost.
#: `token` counts the claims.
#: `task_instance_id` is the task instance that tells most about the end of the run.
callback = sa.Table(
    "callback",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_run_id", sa.BigInteger, nullable=False),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("occasion", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("task_instance_id", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("lease_id", sa.BigInteger),
    sa.Column("error", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    partial_index("ix_callback_open", "id", where="state IN ('pending', 'running')"),
    sa.Index("ix_callback_dag_run_id", "dag_run_id"),
)
