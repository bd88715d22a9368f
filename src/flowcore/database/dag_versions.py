"""The Dag versions that this process has read: immutable, so cached for as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from flowcore.database.queries.claims import ids
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_version
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import load_dag

_SELECT = sa.select(dag_version.c.id, dag_version.c.document).where(dag_version.c.id.in_(ids("versions")))


class DagVersions:
    """Reads Dags by version id, the least recently used of `size` making room."""

    def __init__(self, size: int = 2_000) -> None:
        self._size = size
        self._cached: OrderedDict[int, Dag] = OrderedDict()

    def get(self, connection: sa.Connection, version_ids: Iterable[int]) -> Mapping[int, Dag]:
        """Return the Dags of these versions, reading those not seen before in one statement."""
        wanted = set(version_ids)
        missing = wanted - self._cached.keys()
        found = {version: self._cached[version] for version in wanted - missing}
        if missing:
            rows = connection.execute(_SELECT, {"versions": dump_rows((v,) for v in sorted(missing))})
            found.update((row.id, load_dag(row.document)) for row in rows)
        self._remember(found)
        return found

    def _remember(self, found: Mapping[int, Dag]) -> None:
        for version, dag in found.items():
            self._cached[version] = dag
            self._cached.move_to_end(version)
        while len(self._cached) > self._size:
            self._cached.popitem(last=False)
