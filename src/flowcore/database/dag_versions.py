"""The Dag versions that this process has read: immutable, so cached for as long as there is room."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.row_cache import RowCache
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_version
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import load_dag

_SELECT = sa.select(dag_version.c.id, dag_version.c.document).where(dag_version.c.id.in_(ids("versions")))


class DagVersions(RowCache[int, Dag]):
    """Reads Dags by version id."""

    def __init__(self, size: int = 2_000) -> None:
        super().__init__(size)

    def _read(self, connection: sa.Connection, keys: Collection[int]) -> Mapping[int, Dag]:
        rows = connection.execute(_SELECT, {"versions": dump_rows((key,) for key in sorted(keys))})
        return {row.id: load_dag(row.document) for row in rows}
