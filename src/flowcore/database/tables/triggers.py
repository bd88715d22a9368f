"""Triggers that deferred task instances wait for."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata
from flowcore.database.types import Json, UtcDateTime

trigger = sa.Table(
    "trigger",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("classpath", sa.Text, nullable=False),
    sa.Column("kwargs", Json, nullable=False),
    sa.Column("lease_id", sa.BigInteger),
    sa.Column("timeout_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
