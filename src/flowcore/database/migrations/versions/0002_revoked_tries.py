"""Tries that are no longer wanted are found by the lease under which they run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade(op: Operations) -> None:
    condition = sa.text("lease_id IS NOT NULL AND state NOT IN ('queued', 'running')")
    op.create_index(
        "ix_task_instance_revoked",
        "task_instance",
        ["lease_id"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
