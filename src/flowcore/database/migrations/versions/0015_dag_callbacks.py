"""Callbacks of Dags are called; the table that waited for them gets the columns which that needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
_OPEN = sa.text("state IN ('pending', 'running')")


def upgrade(op: Operations) -> None:
    # Nothing has ever written to it.
    op.drop_table("callback")
    op.create_table(
        "callback",
        sa.Column("id", Identity, sa.Identity(), nullable=False),
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
        sa.PrimaryKeyConstraint("id", name="pk_callback"),
    )
    op.create_index("ix_callback_open", "callback", ["id"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_index("ix_callback_dag_run_id", "callback", ["dag_run_id"])
