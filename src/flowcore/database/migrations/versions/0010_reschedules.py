"""Tries can be put off: one index finds them and the retries that are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

UtcDateTime = sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")
_DUE = sa.text("state IN ('up_for_retry', 'up_for_reschedule')")


def upgrade(op: Operations) -> None:
    op.drop_index("ix_task_instance_retry", "task_instance")
    op.execute("ALTER TABLE task_instance RENAME COLUMN next_retry_at TO due_at")
    op.add_column("task_instance", sa.Column("waiting_since", UtcDateTime))
    op.add_column("task_instance", sa.Column("reschedules", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "ix_task_instance_due", "task_instance", ["due_at"], postgresql_where=_DUE, sqlite_where=_DUE
    )
