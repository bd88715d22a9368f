"""Dags as the database knows them, their versions, and the files that could not be imported."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables.metadata import Identity, metadata, partial_index
from flowcore.database.types import Json, UtcDateTime

#: What changes about a Dag between versions or while it is scheduled. `next_*` describe the run that
#: comes next (null: none is due ever), `last_interval_*` the newest automated one. `fileloc` is the absolute
#: path of the file that made it last; without `is_active` that file is gone, or makes the Dag no longer.
dag = sa.Table(
    "dag",
    metadata,
    sa.Column("dag_id", sa.Text, primary_key=True),
    sa.Column("latest_version_id", Identity),
    sa.Column("is_paused", sa.Boolean, nullable=False, default=False),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
    sa.Column("max_active_runs", sa.Integer, nullable=False),
    sa.Column("timetable_summary", sa.Text),
    sa.Column("fileloc", sa.Text),
    sa.Column("next_run_after", UtcDateTime),
    sa.Column("next_logical_date", UtcDateTime),
    sa.Column("next_interval_start", UtcDateTime),
    sa.Column("next_interval_end", UtcDateTime),
    sa.Column("last_interval_start", UtcDateTime),
    sa.Column("last_interval_end", UtcDateTime),
    sa.Column("schedule_error", sa.Text),
    sa.Column("last_parsed_at", UtcDateTime),
    partial_index("ix_dag_due", "next_run_after", where="next_run_after IS NOT NULL"),
    sa.Index("ix_dag_fileloc", "fileloc"),
)

#: The texts of Dag files, each once however many Dags it makes.
dag_source = sa.Table(
    "dag_source",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)

#: `content_hash` covers the document, the code and the path, so that a version never changes; only the text
#: of its source may be replaced by one that differs in comments. `path` is relative to the Dag folder; a
#: Dag that an embedder has registered has neither path nor source.
dag_version = sa.Table(
    "dag_version",
    metadata,
    sa.Column("id", Identity, sa.Identity(), primary_key=True),
    sa.Column("dag_id", sa.Text, sa.ForeignKey("dag.dag_id", ondelete="CASCADE"), nullable=False),
    sa.Column("version_number", sa.Integer, nullable=False),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("document", Json, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("source_digest", sa.Text, sa.ForeignKey("dag_source.digest")),
    sa.UniqueConstraint("dag_id", "version_number"),
    sa.UniqueConstraint("dag_id", "content_hash"),
    # An id must never come back: processes remember by it what was deleted meanwhile.
    sqlite_autoincrement=True,
)

import_error = sa.Table(
    "import_error",
    metadata,
    sa.Column("fileloc", sa.Text, primary_key=True),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("detail", sa.Text),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)
