"""Dag folders in tests: what is seen in them, and what came of reading their files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from flowcore.domain.dag_files import FailedFile, FileRead, FolderChanges, NewVersion, Stamp
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.dags import Dag
from flowcore.processor.catalogue import Catalogue, Outcome
from flowcore.processor.discovery import Sight

FOLDER = "/dags"


def stamp(edition: int) -> Stamp:
    return Stamp(size=0, mtime_ns=edition, inode=1)


def sight(files: Mapping[str, int], **fields: Any) -> Sight:
    """Files by the number of their edition."""
    return Sight(files={path: stamp(edition) for path, edition in sorted(files.items())}, **fields)


def made(path: str, *dag_ids: str, reads: Mapping[str, int] | None = None) -> Outcome:
    """The file makes these Dags."""
    source = DagSource.of("", path=f"{FOLDER}/{path}", folder=FOLDER)
    return Outcome(
        versions=tuple(NewVersion.of(Dag(dag_id=dag_id), source) for dag_id in dag_ids),
        reads=tuple(FileRead(path=read, stamp=stamp(edition)) for read, edition in (reads or {}).items()),
    )


def failed(path: str) -> Outcome:
    return Outcome(failure=FailedFile(fileloc=f"{FOLDER}/{path}", message="broken"))


def read_all(catalogue: Catalogue, makes: Mapping[str, Collection[str]], now: float = 0) -> Stored:
    """Read every file that is to be read; what is stored then."""
    stored = Stored()
    while (path := catalogue.next_file()) is not None:
        stored.apply(catalogue.done(path, made(path, *makes[path]), now))
    return stored


class Stored:
    """Applies changes as the database does: which file has each Dag, which Dags are active, what failed."""

    def __init__(self) -> None:
        self.file_of: dict[str, str] = {}
        self.active: set[str] = set()
        self.failures: dict[str, str] = {}

    def apply(self, changes: FolderChanges) -> None:
        for version in changes.versions:
            assert version.source is not None
            self.file_of[version.dag.dag_id] = version.source.path
            self.active.add(version.dag.dag_id)
        for fileloc, dag_ids in changes.makes.items():
            self.active -= {d for d, path in self.file_of.items() if path == fileloc and d not in dag_ids}
            self.failures.pop(fileloc, None)
        self.failures.update({failure.fileloc: failure.message for failure in changes.failures})

    @property
    def owners(self) -> dict[str, str]:
        """The files of the active Dags."""
        return {d: path.removeprefix(f"{FOLDER}/") for d, path in self.file_of.items() if d in self.active}
