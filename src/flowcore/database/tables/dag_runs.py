"""Dag runs."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

#: `revision` grows with every change to the run's task instances that the scheduler decides: whoever
#: has locked the row may trust what it remembers of the run if the revision is still the same.
#: `decided_by` is the lease of the scheduler that decided last, and so remembers the run.
#: `clear_number` counts how often the run was cleared: what a process remembers of it as unchanging (its
#: version, its start) is true of one such life.
#: `max_active_tasks` is its Dag's, in the version that it was started with; null means that it is not known.
#: `asset_batch` names the batch of asset events that a run consumes; with the Dag it is unique, as the
#: logical date is. `partition_key` is the partition of assets that a run deals with.
dag_run = sa.Table(
    "dag_run",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_id", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("dag_version_id", Identity, nullable=False),
    sa.Column("run_type", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("logical_date", UtcDateTime),
    sa.Column("run_after", UtcDateTime, nullable=False),
    sa.Column("data_interval_start", UtcDateTime),
    sa.Column("data_interval_end", UtcDateTime),
    sa.Column("asset_batch", sa.Text),
    sa.Column("conf", Json, nullable=False),
    sa.Column("params", Json, nullable=False),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("start_date", UtcDateTime),
    sa.Column("end_date", UtcDateTime),
    sa.Column("timeout_at", UtcDateTime),
    sa.Column("reason", sa.Text),
    sa.Column("revision", sa.BigInteger, nullable=False, default=0),
    sa.Column("decided_by", sa.BigInteger),
    sa.Column("clear_number", sa.Integer, nullable=False, default=0, server_default="0"),
    sa.Column("max_active_tasks", sa.Integer),
    sa.Column("backfill_id", sa.BigInteger),
    sa.Column("backfill_ordinal", sa.Integer),
    sa.Column("partition_key", sa.Text),
    sa.Column("partition_date", UtcDateTime),
    sa.UniqueConstraint("dag_id", "run_id"),
    sa.UniqueConstraint("dag_id", "logical_date"),
    sa.UniqueConstraint("dag_id", "asset_batch"),
    partial_index("ix_dag_run_queued", "dag_id", "run_after", where="state = 'queued'"),
    partial_index("ix_dag_run_running", "dag_id", where="state = 'running'"),
    partial_index("ix_dag_run_timeout", "timeout_at", where="state = 'running' AND timeout_at IS NOT NULL"),
    partial_index("ix_dag_run_backfill", "backfill_id", where="backfill_id IS NOT NULL"),
    # Runs created while a catch-up goes on wait in this order.
    sa.Index("ix_dag_run_recent", "dag_id", "run_after"),
    # An id must never come back: processes remember by it what was deleted meanwhile.
    sqlite_autoincrement=True,
)
