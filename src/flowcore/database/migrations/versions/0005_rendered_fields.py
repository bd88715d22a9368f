"""What templates became in a try is kept for those who look at it later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

from flowcore.database.types import Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade(op: Operations) -> None:
    op.create_table(
        "rendered_fields",
        sa.Column("task_instance_id", sa.BigInteger, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.PrimaryKeyConstraint("task_instance_id", "token", name="pk_rendered_fields"),
    )
