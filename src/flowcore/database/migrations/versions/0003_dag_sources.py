"""A Dag version keeps the source of its file, so that its runs can go on after the file has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade(op: Operations) -> None:
    op.create_table(
        "dag_source",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_dag_source"),
    )
    # SQLite cannot add a constraint to a table; there, and only there, it is made anew.
    with op.batch_alter_table("dag_version") as version:
        version.add_column(sa.Column("path", sa.Text))
        version.add_column(sa.Column("source_digest", sa.Text))
        version.create_foreign_key(
            "fk_dag_version_source_digest", "dag_source", ["source_digest"], ["digest"]
        )
    op.create_index("ix_dag_fileloc", "dag", ["fileloc"])
