"""Write what came of Dag files: as much in a transaction as is there, and what one file breaks without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import anyio
import attrs

from flowcore.clock import Clock
from flowcore.database.lanes import Database
from flowcore.database.queries.dag_folders import store_folder_changes
from flowcore.database.queries.register_dags import LEFT_OUT_S
from flowcore.domain.dag_files import FailedFile, FolderChanges, NewVersion
from flowcore.errors import DagError, DatabaseUnavailable

log = logging.getLogger(__name__)

#: So many Dags are stored in one transaction, which runs on the event loop.
_VERSIONS_MAX = 100
_AGAIN_S = 1.0


@attrs.frozen
class FolderStore:
    """Writes to one database; a database that is away is waited for."""

    database: Database
    clock: Clock
    paused_at_creation: bool

    async def store(self, batch: Sequence[FolderChanges]) -> FolderChanges:
        """Write the changes for some files, in this order; what was written in the end.

        A file with a Dag that the database cannot keep is written as one that failed.
        """
        merged = merged_changes(batch)
        try:
            for part in _parts(merged):
                await self._write(part)
        except DagError as error:
            if len(batch) == 1:
                return await self._refuse(merged, error)
            return merged_changes([await self.store([changes]) for changes in batch])
        return merged

    async def _refuse(self, changes: FolderChanges, error: DagError) -> FolderChanges:
        fileloc = changes.versions[0].dag.fileloc or ""
        refused = FolderChanges(failures=[FailedFile(fileloc=fileloc, message=f"{fileloc}: {error}")])
        await self._write(refused)
        return refused

    async def _write(self, changes: FolderChanges) -> None:
        while True:
            try:
                stored = await self.database.run(
                    store_folder_changes,
                    changes,
                    now=self.clock.now(),
                    paused_at_creation=self.paused_at_creation,
                )
            except DatabaseUnavailable as error:
                log.warning("Dags wait to be stored: %s", error)
                await anyio.sleep(_AGAIN_S)
            else:
                for dag_id in sorted(stored.retired):
                    log.info("the Dag %r is inactive: no file makes it any more", dag_id)
                if not stored.left:
                    return
                changes = FolderChanges(versions=stored.left)
                await anyio.sleep(LEFT_OUT_S)


def merged_changes(batch: Sequence[FolderChanges]) -> FolderChanges:
    """Several changes as one; of what contradicts, the later one holds."""
    versions: dict[str, NewVersion] = {}
    makes: dict[str, frozenset[str]] = {}
    failures: dict[str, FailedFile] = {}
    for changes in batch:
        versions |= {version.dag.dag_id: version for version in changes.versions}
        makes |= {fileloc: frozenset(dag_ids) for fileloc, dag_ids in changes.makes.items()}
        failures = {fileloc: one for fileloc, one in failures.items() if fileloc not in changes.makes}
        failures |= {one.fileloc: one for one in changes.failures}
    return FolderChanges(versions=[*versions.values()], makes=makes, failures=[*failures.values()])


def _parts(changes: FolderChanges) -> Iterator[FolderChanges]:
    if not (changes.versions or changes.makes or changes.failures):
        return
    rest = list(changes.versions)
    while len(rest) > _VERSIONS_MAX:
        yield FolderChanges(versions=rest[:_VERSIONS_MAX])
        rest = rest[_VERSIONS_MAX:]
    # Last, when every Dag of a file is there: what is not made any more is retired.
    yield attrs.evolve(changes, versions=rest)
