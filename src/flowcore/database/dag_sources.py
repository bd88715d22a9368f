"""The sources of Dag versions, as tries need them: read once, kept as long as there is room."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

import anyio
import attrs
import sqlalchemy as sa

from flowcore.database.lanes import Database
from flowcore.database.queries.claims import ids, names
from flowcore.database.row_cache import RowCache
from flowcore.database.rows import dump_rows
from flowcore.database.tables import dag_source, dag_version
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError

_PLACES = sa.select(dag_version.c.id, dag_version.c.path, dag_version.c.source_digest).where(
    dag_version.c.id.in_(ids("versions")), dag_version.c.source_digest.is_not(None)
)
_TEXTS = sa.select(dag_source.c.digest, dag_source.c.text).where(dag_source.c.digest.in_(names("digests")))


@attrs.frozen
class _Place:
    path: str
    digest: str


class _Places(RowCache[int, _Place]):
    def _read(self, connection: sa.Connection, keys: Collection[int]) -> Mapping[int, _Place]:
        rows = connection.execute(_PLACES, {"versions": dump_rows((key,) for key in keys)})
        return {row.id: _Place(row.path, row.source_digest) for row in rows}


class _Texts(RowCache[str, str]):
    def _read(self, connection: sa.Connection, keys: Collection[str]) -> Mapping[str, str]:
        rows = connection.execute(_TEXTS, {"digests": dump_rows((key,) for key in keys)})
        return {row.digest: row.text for row in rows}


class DagSources:
    """Implements `flowcore.runner.sources.DagSources`: files are below `folder` on this machine.

    A file that makes a thousand Dags has one text for all of them, so texts are kept apart.
    """

    def __init__(self, database: Database, folder: str, *, versions: int = 10_000, texts: int = 500) -> None:
        self._database, self._folder = database, folder
        self._places, self._texts = _Places(versions), _Texts(texts)
        self._reading = anyio.Lock()

    async def get(self, dag_version_id: int) -> DagSource:
        """The source of a version.

        Raises:
            DagError: the version was not made by a Dag file.
            DatabaseUnavailable: it could not be read.
        """
        # One at a time: a thousand tries of a version that begin together ask once.
        async with self._reading:
            known = self._remembered(dag_version_id)
            if known is None:
                return await self._database.read(self._read, dag_version_id)
            return known

    def _remembered(self, dag_version_id: int) -> DagSource | None:
        place = self._places.remembered(dag_version_id)
        text = self._texts.remembered(place.digest) if place else None
        return self._source(place, text) if place and text is not None else None

    def _read(self, connection: sa.Connection, dag_version_id: int) -> DagSource:
        place = self._places.get(connection, [dag_version_id]).get(dag_version_id)
        if place is None:
            raise DagError(
                f"Dag version {dag_version_id} was not made by a file, so no other process can import it; put"
                " its file into the Dag folder, or run the Dag in the process that registers it"
            )
        return self._source(place, self._texts.get(connection, [place.digest])[place.digest])

    def _source(self, place: _Place, text: str) -> DagSource:
        path = os.path.join(self._folder, *place.path.split("/"))
        return DagSource(path=path, folder=self._folder, text=text, digest=place.digest)
