"""What tasks learn about other Dags: a unit that only reads."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.tables import dag, dag_version
from flowcore.domain.dag_outlines import DagOutline, outline_of
from flowcore.domain.serialization import load_dag

_LATEST = (
    sa.select(dag_version.c.document, dag.c.is_active, dag.c.is_paused)
    .join(dag, dag.c.latest_version_id == dag_version.c.id)
    .where(dag.c.dag_id == sa.bindparam("key"))
)


def read_dag_outline(connection: sa.Connection, dag_id: str) -> DagOutline | None:
    """The latest version of a Dag; None if it was never registered."""
    latest = connection.execute(_LATEST, {"key": dag_id}).one_or_none()
    if latest is None:
        return None
    return outline_of(
        load_dag(latest.document), is_active=bool(latest.is_active), is_paused=bool(latest.is_paused)
    )
