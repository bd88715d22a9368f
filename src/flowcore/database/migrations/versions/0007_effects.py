"""What a try says about the rest of its run is kept, and reaches the scheduler with the mark of its end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade(op: Operations) -> None:
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    for table in ("task_instance", "unsettled"):
        op.add_column(table, sa.Column("effects", json))
