"""Pools; what of them is in use is derived from the active task instances, never counted here."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import metadata

#: -1 slots means no limit.
pool = sa.Table(
    "pool",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("include_deferred", sa.Boolean, nullable=False, default=False),
    sa.Column("description", sa.Text),
)
