"""Import the Dag files of a folder; one that cannot be imported is noted, and the others run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import anyio.to_thread
import attrs

from flowcore.database.engine import Database
from flowcore.database.queries.dag_folders import known_folder, store_folder_changes
from flowcore.domain.dag_files import FailedFile, FolderChanges
from flowcore.errors import DagError
from flowcore.processor.discovery import find_dag_files
from flowcore.sdk.dags import DAG
from flowcore.sdk.loading import load_dag_file

log = logging.getLogger(__name__)


@attrs.frozen
class Imported:
    """The Dags of a folder, and the files that could not be imported."""

    folder: Path
    dags: Sequence[DAG]
    failures: Sequence[FailedFile]


async def import_folder(folder: Path) -> Imported:
    """Import every Dag file below `folder` in a worker thread: authors' imports may take long."""
    return await anyio.to_thread.run_sync(_import_folder, folder)


async def note_failures(database: Database, imported: Imported, *, now: datetime) -> None:
    """Log the files that could not be imported and keep them for `flowcore dags list-import-errors`."""
    for failure in imported.failures:
        log.error("%s", failure.message)
    known = await database.read(known_folder, str(imported.folder))
    gone = {*known.dags.values(), *known.failed} - {failure.fileloc for failure in imported.failures}
    makes = {fileloc: [d.dag_id for d in imported.dags if d.fileloc == fileloc] for fileloc in gone}
    changes = FolderChanges(makes=makes, failures=imported.failures)
    await database.run(store_folder_changes, changes, now=now, paused_at_creation=False)


def _import_folder(folder: Path) -> Imported:
    dags: dict[str, DAG] = {}
    failures: list[FailedFile] = []
    for path in find_dag_files(folder):
        try:
            for dag in load_dag_file(path, folder=folder):
                dag.compile()
                if dag.dag_id in dags:
                    raise DagError(
                        f"{path} makes a Dag {dag.dag_id!r}, and so does {dags[dag.dag_id].fileloc}; "
                        "give one of them another dag_id"
                    )
                dags[dag.dag_id] = dag
        except DagError as error:
            failures.append(FailedFile(fileloc=str(path), message=str(error)))
    return Imported(folder, tuple(dags.values()), tuple(failures))
