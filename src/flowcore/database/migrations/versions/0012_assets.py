"""Who has to do with which asset, and who has consumed which event.

The tables of 0001 were never written to.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
Json = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade(op: Operations) -> None:
    for table in ("asset_dag_run_queue", "asset_event", "asset"):
        op.drop_table(table)
    _create_assets(op)
    _create_events(op)


def _create_assets(op: Operations) -> None:
    op.create_table(
        "asset",
        sa.Column("id", Identity, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset"),
        sa.UniqueConstraint("name", "uri", name="uq_asset_name_uri"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asset_uri", "asset", ["uri"])
    op.create_table(
        "alias_asset",
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("asset_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("alias", "asset_id", name="pk_alias_asset"),
    )
    op.create_index("ix_alias_asset_asset_id", "alias_asset", ["asset_id"])
    op.create_table(
        "asset_reference",
        sa.Column("id", Identity, sa.Identity(), nullable=False),
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("used_as", sa.Text, nullable=False),
        sa.Column("task_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("uri", sa.Text),
        sa.Column("alias", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_asset_reference"),
    )
    op.create_index("ix_asset_reference_dag_id", "asset_reference", ["dag_id"])
    for column in ("name", "uri", "alias"):
        _create_partial_index(op, "asset_reference", [column], where=f"{column} IS NOT NULL", name=column)


def _create_events(op: Operations) -> None:
    op.create_table(
        "asset_event",
        sa.Column("id", Identity, sa.Identity(), nullable=False),
        sa.Column("asset_id", sa.BigInteger, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.Column("source_dag_id", sa.Text),
        sa.Column("source_run_id", sa.Text),
        sa.Column("source_task_id", sa.Text),
        sa.Column("source_map_index", sa.Integer),
        sa.Column("alias", sa.Text),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asset_event_asset_id", "asset_event", ["asset_id", "created_at"])
    _create_partial_index(op, "asset_event", ["alias", "created_at"], where="alias IS NOT NULL", name="alias")
    op.create_table(
        "asset_schedule",
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("condition", Json, nullable=False),
        sa.PrimaryKeyConstraint("dag_id", name="pk_asset_schedule"),
    )
    op.create_table(
        "asset_delivery",
        sa.Column("dag_id", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("dag_run_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("dag_id", "event_id", name="pk_asset_delivery"),
    )
    table = "asset_delivery"
    _create_partial_index(op, table, ["dag_id"], where="state = 'new'", name="new")
    _create_partial_index(op, table, ["dag_id", "event_id"], where="dag_run_id IS NULL", name="pending")
    _create_partial_index(op, table, ["dag_run_id"], where="dag_run_id IS NOT NULL", name="consumed")


def _create_partial_index(op: Operations, table: str, columns: list[str], *, where: str, name: str) -> None:
    condition = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, postgresql_where=condition, sqlite_where=condition)
