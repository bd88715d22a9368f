"""Runs can be cleared, and Dags and runs deleted; so SQLite must never hand out an id again."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SCHEDULED = "ix_task_instance_scheduled"


def upgrade(op: Operations) -> None:
    op.add_column("dag_run", sa.Column("clear_number", sa.Integer, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "sqlite":
        # Its index over an expression cannot be read back when the table is made anew.
        op.drop_index(_SCHEDULED, "task_instance")
        for table in ("dag_version", "dag_run", "task_instance"):
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
                pass
        _create_index_of_scheduled(op)


def _create_index_of_scheduled(op: Operations) -> None:
    columns: list[Any] = [sa.text("priority_weight DESC"), "run_date", "position", "map_index"]
    op.create_index(_SCHEDULED, "task_instance", columns, sqlite_where=sa.text("state = 'scheduled'"))
