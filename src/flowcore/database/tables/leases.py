"""Who is alive: one row per process that holds tries; all its tries live as long as the row is fresh."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata
from flowcore.database.types import UtcDateTime

#: `expires_at` is on the database's clock.
lease = sa.Table(
    "lease",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("hostname", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    # An id must never come back: a process that slept would take the lease of another for its own.
    sqlite_autoincrement=True,
)
