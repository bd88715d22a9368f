"""The first schema: Dags, runs, tasks and their tries, XComs, pools, leases, assets, triggers, secrets.

A migration never changes again: types are spelled out, constraints are named as `tables/metadata.py` would.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade(op: Operations) -> None:
    _create_dags(op)
    _create_dag_runs(op)
    _create_task_instances(op)
    _create_tries(op)
    _create_pools_and_leases(op)
    _create_assets(op)
    _create_triggers_and_callbacks(op)
    _create_secrets(op)


def _create_dags(op: Operations) -> None:
    op.create_table(
        "dag",
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("latest_version_id", Identity),
        sa.Column("is_paused", sa.Boolean, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("max_active_runs", sa.Integer, nullable=False),
        sa.Column("timetable_summary", sa.Text),
        sa.Column("fileloc", sa.Text),
        sa.Column("next_run_after", UtcDateTime),
        sa.Column("next_logical_date", UtcDateTime),
        sa.Column("next_interval_start", UtcDateTime),
        sa.Column("next_interval_end", UtcDateTime),
        sa.Column("last_interval_start", UtcDateTime),
        sa.Column("last_interval_end", UtcDateTime),
        sa.Column("schedule_error", sa.Text),
        sa.Column("last_parsed_at", UtcDateTime),
        sa.PrimaryKeyConstraint("dag_id", name="pk_dag"),
    )
    _create_partial_index(op, "ix_dag_due", "dag", "next_run_after", where="next_run_after IS NOT NULL")
    op.create_table(
        "dag_version",
        _identity(),
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("version_number", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dag_version"),
        sa.UniqueConstraint("dag_id", "version_number", name="uq_dag_version_dag_id_version_number"),
        sa.UniqueConstraint("dag_id", "content_hash", name="uq_dag_version_dag_id_content_hash"),
        sa.ForeignKeyConstraint(["dag_id"], ["dag.dag_id"], "fk_dag_version_dag_id", ondelete="CASCADE"),
    )
    op.create_table(
        "import_error",
        sa.Column("fileloc", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("fileloc", name="pk_import_error"),
    )


def _create_dag_runs(op: Operations) -> None:
    op.create_table(
        "dag_run",
        _identity(),
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
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_dag_run"),
        sa.UniqueConstraint("dag_id", "run_id", name="uq_dag_run_dag_id_run_id"),
        sa.UniqueConstraint("dag_id", "logical_date", name="uq_dag_run_dag_id_logical_date"),
        sa.UniqueConstraint("dag_id", "asset_batch", name="uq_dag_run_dag_id_asset_batch"),
    )
    op.create_index("ix_dag_run_recent", "dag_run", ["dag_id", "run_after"])
    _create_partial_index(op, "ix_dag_run_queued", "dag_run", "dag_id", "run_after", where="state = 'queued'")
    _create_partial_index(op, "ix_dag_run_running", "dag_run", "dag_id", where="state = 'running'")
    with_timeout = "state = 'running' AND timeout_at IS NOT NULL"
    _create_partial_index(op, "ix_dag_run_timeout", "dag_run", "timeout_at", where=with_timeout)


def _create_task_instances(op: Operations) -> None:
    op.create_table(
        "task_instance",
        _identity(),
        sa.Column("dag_run_id", sa.BigInteger, nullable=False),
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("max_tries", sa.Integer, nullable=False),
        sa.Column("lost_tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lease_id", sa.BigInteger),
        sa.Column("trigger_id", sa.BigInteger),
        sa.Column("pool", sa.Text, nullable=False),
        sa.Column("pool_slots", sa.Integer, nullable=False),
        sa.Column("priority_weight", sa.Integer, nullable=False),
        sa.Column("executor", sa.Text),
        sa.Column("run_date", UtcDateTime, nullable=False),
        sa.Column("scheduled_at", UtcDateTime),
        sa.Column("queued_at", UtcDateTime),
        sa.Column("start_date", UtcDateTime),
        sa.Column("end_date", UtcDateTime),
        sa.Column("next_retry_at", UtcDateTime),
        sa.Column("reason", sa.Text),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_task_instance"),
        sa.UniqueConstraint(
            "dag_run_id", "task_id", "map_index", name="uq_task_instance_dag_run_id_task_id_map_index"
        ),
    )
    _create_partial_index(
        op,
        "ix_task_instance_scheduled",
        "task_instance",
        sa.text("priority_weight DESC"),
        "run_date",
        "position",
        "map_index",
        where="state = 'scheduled'",
    )
    active = "state IN ('queued', 'running', 'restarting')"
    _create_partial_index(op, "ix_task_instance_active", "task_instance", "pool", "dag_run_id", where=active)
    retry = "state = 'up_for_retry'"
    _create_partial_index(op, "ix_task_instance_retry", "task_instance", "next_retry_at", where=retry)


def _create_tries(op: Operations) -> None:
    op.create_table(
        "task_try",
        sa.Column("task_instance_id", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("lease_id", sa.BigInteger),
        sa.Column("start_date", UtcDateTime),
        sa.Column("end_date", UtcDateTime),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("task_instance_id", "token", name="pk_task_try"),
    )
    op.create_table(
        "unsettled",
        _identity(),
        sa.Column("dag_run_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False, server_default="-1"),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unsettled"),
    )
    op.create_index("ix_unsettled_dag_run_id", "unsettled", ["dag_run_id"])
    op.create_table(
        "xcom",
        sa.Column("task_instance_id", sa.BigInteger, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("pushed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("task_instance_id", "try_number", "key", name="pk_xcom"),
    )


def _create_pools_and_leases(op: Operations) -> None:
    op.create_table(
        "pool",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("include_deferred", sa.Boolean, nullable=False),
        sa.Column("description", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_pool"),
    )
    op.create_table(
        "lease",
        _identity(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("hostname", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
        sqlite_autoincrement=True,
    )


def _create_assets(op: Operations) -> None:
    op.create_table(
        "asset",
        _identity(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset"),
        sa.UniqueConstraint("name", "uri", name="uq_asset_name_uri"),
    )
    op.create_table(
        "asset_event",
        _identity(),
        sa.Column("asset_id", sa.BigInteger, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.Column("source_task_instance_id", sa.BigInteger),
        sa.Column("partition_key", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset_event"),
    )
    op.create_index("ix_asset_event_asset_id", "asset_event", ["asset_id", "created_at"])
    op.create_table(
        "asset_dag_run_queue",
        sa.Column("asset_id", sa.BigInteger, nullable=False),
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "dag_id", name="pk_asset_dag_run_queue"),
    )


def _create_triggers_and_callbacks(op: Operations) -> None:
    op.create_table(
        "trigger",
        _identity(),
        sa.Column("classpath", sa.Text, nullable=False),
        sa.Column("kwargs", Json, nullable=False),
        sa.Column("lease_id", sa.BigInteger),
        sa.Column("timeout_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trigger"),
    )
    op.create_table(
        "callback",
        _identity(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("dag_run_id", sa.BigInteger, nullable=False),
        sa.Column("task_instance_id", sa.BigInteger),
        sa.Column("request", Json, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lease_id", sa.BigInteger),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_callback"),
    )
    _create_partial_index(op, "ix_callback_pending", "callback", "created_at", where="state = 'pending'")


def _create_secrets(op: Operations) -> None:
    texts = ("conn_id", "conn_type", "host", "login", "password", "schema", "extra", "description")
    op.create_table(
        "connection",
        *(sa.Column(text, sa.Text, nullable=text not in texts[:2]) for text in texts),
        sa.Column("port", sa.Integer),
        sa.Column("is_encrypted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("conn_id", name="pk_connection"),
    )
    op.create_table(
        "variable",
        *(sa.Column(text, sa.Text, nullable=False) for text in ("key", "value")),
        sa.Column("description", sa.Text),
        sa.Column("is_encrypted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_variable"),
    )


def _identity() -> sa.Column[Any]:
    return sa.Column("id", Identity, sa.Identity(), nullable=False)


def _create_partial_index(op: Operations, name: str, table: str, *columns: Any, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), postgresql_where=condition, sqlite_where=condition)
