"""Connections and variables; what is secret in them is a Fernet token, as `is_encrypted` says."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import metadata

#: `password` and `extra` are encrypted together. `extra` is the text of a JSON object.
connection = sa.Table(
    "connection",
    metadata,
    sa.Column("conn_id", sa.Text, primary_key=True),
    sa.Column("conn_type", sa.Text, nullable=False),
    sa.Column("host", sa.Text),
    sa.Column("login", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("schema", sa.Text),
    sa.Column("extra", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("port", sa.Integer),
    sa.Column("is_encrypted", sa.Boolean, nullable=False),
)

variable = sa.Table(
    "variable",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("is_encrypted", sa.Boolean, nullable=False),
)
