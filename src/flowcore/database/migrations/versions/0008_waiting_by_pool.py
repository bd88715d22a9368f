"""What is scheduled is found pool by pool, and what is active by pool and by run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ACTIVE = "lease_id IS NOT NULL"


def upgrade(op: Operations) -> None:
    op.add_column("dag_run", sa.Column("max_active_tasks", sa.Integer))
    op.add_column("task_instance", sa.Column("runs_in", sa.Text))
    op.drop_index("ix_task_instance_scheduled", "task_instance")
    op.drop_index("ix_task_instance_active", "task_instance")
    _create_index(
        op,
        "scheduled",
        ["pool", sa.text("priority_weight DESC"), "run_date", "dag_run_id", "position", "map_index"],
        where="state = 'scheduled'",
    )
    _create_index(op, "pool", ["pool", "dag_id", "pool_slots"], where=f"{_ACTIVE} AND pool_slots > 0")
    _create_index(op, "active", ["dag_id", "dag_run_id", "task_id"], where=_ACTIVE)


def _create_index(op: Operations, name: str, columns: list[str | sa.TextClause], *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        f"ix_task_instance_{name}",
        "task_instance",
        columns,
        postgresql_where=condition,
        sqlite_where=condition,
    )
