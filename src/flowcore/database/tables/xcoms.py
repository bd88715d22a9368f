"""XComs, kept per try: what a try pushed is seen only while it is the current one."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import metadata
from flowcore.database.types import UtcDateTime

#: `value` is a JSON text exactly as the try wrote it.
xcom = sa.Table(
    "xcom",
    metadata,
    sa.Column("task_instance_id", sa.BigInteger, nullable=False),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("pushed_at", UtcDateTime, nullable=False),
    sa.PrimaryKeyConstraint("task_instance_id", "try_number", "key"),
)
