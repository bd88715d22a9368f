"""Runs are left for a moment to the scheduler that decided for them last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")


def upgrade(op: Operations) -> None:
    op.add_column("dag_run", sa.Column("decided_by", sa.BigInteger))
    op.add_column("unsettled", sa.Column("created_at", UtcDateTime))
