"""What templates became in a try, for those who look at it later."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import metadata
from flowcore.database.types import Json

#: Written when a try begins, masked and cut before; `fields` are JSON values by name.
rendered_fields = sa.Table(
    "rendered_fields",
    metadata,
    sa.Column("task_instance_id", sa.BigInteger, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("fields", Json, nullable=False),
    sa.PrimaryKeyConstraint("task_instance_id", "token"),
)
