"""Tell PostgreSQL's planner about a table that has just grown far beyond what it believes.

Autovacuum does so within a minute. A new database that starts a run of 10,000 tasks cannot wait for
that: planned for an empty table, one set-based update of them takes 13 s in place of 0.1 s.
"""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables import task_instance

#: Fewer rows are quick by any plan.
_NOTICEABLE = 1_000

_BELIEVED = sa.text("SELECT reltuples FROM pg_class WHERE oid = CAST(:table AS regclass)")
_ANALYZE = sa.text(f"ANALYZE {task_instance.name}")


def refresh_statistics(connection: sa.Connection, *, inserted: int) -> None:
    """Analyze `task_instance` if the rows just inserted are more than the planner believes it has."""
    if connection.dialect.name != "postgresql" or inserted < _NOTICEABLE:
        return
    if connection.execute(_BELIEVED, {"table": task_instance.name}).scalar_one() < inserted:
        connection.execute(_ANALYZE)
