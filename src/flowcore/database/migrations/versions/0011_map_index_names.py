"""Instances of mapped tasks have names that their authors' templates give them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade(op: Operations) -> None:
    op.add_column("task_instance", sa.Column("rendered_map_index", sa.Text))
