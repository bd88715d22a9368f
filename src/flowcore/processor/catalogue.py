"""What is known of the Dag folder, and what follows: which files are to be read, what is to be written.

Nothing here does I/O; `now` is a time of a monotonic clock, in seconds. Paths are relative to the folder.
When several files make a Dag of one id, the first of them by path has it, in whatever order they are read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping

import attrs

from flowcore.domain.dag_files import FailedFile, FileRead, FolderChanges, KnownFolder, NewVersion, Stamp
from flowcore.processor.discovery import Sight

#: A file that is missing for so long is gone; editors take files away for a moment when they save.
GONE_AFTER_S = 1.0


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of reading a file: its Dags, or a failure; and what else it read."""

    versions: tuple[NewVersion, ...] = ()
    failure: FailedFile | None = None
    reads: tuple[FileRead, ...] = ()


@attrs.define
class _File:
    """`stamp` is that of the last time it was read; None before that, and when it was missing since."""

    stamp: Stamp | None = None
    makes: set[str] = attrs.field(factory=set)
    read_at: float = -math.inf
    reads: tuple[FileRead, ...] = ()
    missing_since: float | None = None


class Catalogue:
    """The files of one folder. Also says which Dags these make (`runner.sources.DagCatalogue`).

    Args:
        folder: Its absolute path.
        read_again_s: After so many seconds a file is read again although nothing has changed.
        rest_s: After so many seconds at the earliest it is read again when another file has changed that it
            reads; somebody may write that all the time.
    """

    def __init__(self, folder: str, *, read_again_s: float = math.inf, rest_s: float = 30.0) -> None:
        self.folder, self._read_again_s, self._rest_s = folder, read_again_s, rest_s
        self._files: dict[str, _File] = {}
        self._waiting: dict[str, Stamp] = {}
        self._reading: dict[str, Stamp] = {}
        self._makers: dict[str, set[str]] = {}
        self._dag_ids: set[str] = set()
        self._failures: Mapping[str, FailedFile] = {}

    def has_dag(self, dag_id: str) -> bool:
        """Whether the Dag is stored and its file is or was in the folder."""
        return dag_id in self._dag_ids

    @property
    def dag_ids(self) -> Collection[str]:
        """Ids of these Dags."""
        return self._dag_ids

    @property
    def is_settled(self) -> bool:
        """Whether everything that was seen has been read, and no file is missing."""
        is_missing = any(file.missing_since is not None for file in self._files.values())
        return not (self._waiting or self._reading or is_missing)

    @property
    def has_waiting(self) -> bool:
        """Whether there are files to be read that nobody reads yet."""
        return bool(self._waiting)

    @property
    def reads(self) -> set[str]:
        """The other files on which Dags depend."""
        return {read.path for file in self._files.values() for read in file.reads}

    def fileloc(self, path: str) -> str:
        """The absolute path of a file."""
        return os.path.join(self.folder, *path.split("/"))

    def begin(self, known: KnownFolder) -> None:
        """Begin with what was stored of the folder before."""
        for state in (self._files, self._waiting, self._reading, self._makers):
            state.clear()
        self._failures = {}
        self._dag_ids.update(known.dags)
        for fileloc in {*known.failed, *(known.dags[dag_id] for dag_id in known.active)}:
            self._files.setdefault(os.path.relpath(fileloc, self.folder).replace(os.sep, "/"), _File())

    def note_stored(self, versions: Iterable[NewVersion]) -> None:
        """These are in the database now."""
        self._dag_ids.update(version.dag.dag_id for version in versions)

    def look(self, sight: Sight, now: float) -> FolderChanges:
        """See what has changed; the changes for files that are gone. `next_file` tells what is to be read."""
        for path, stamp in sight.files.items():
            file = self._files.setdefault(path, _File())
            file.missing_since = None
            if self._is_due(path, file, stamp, sight.others, now):
                self._waiting[path] = stamp
        self._notice_missing([path for path in self._files if _is_missing(path, sight)], now)
        gone = [path for path, file in self._files.items() if self._is_gone(file, now)]
        for path in gone:
            del self._files[path]
        failures = {failure.fileloc: failure for failure in sight.failures}
        mended = self._failures.keys() - failures.keys()
        self._failures = failures
        filelocs = [*map(self.fileloc, gone), *mended]
        return FolderChanges(makes=dict.fromkeys(filelocs, ()), failures=sight.failures)

    def next_look_s(self, now: float) -> float:
        """Seconds until a file that is missing is gone; inf if none is missing."""
        since = [file.missing_since for file in self._files.values() if file.missing_since is not None]
        return max(0.0, min(since, default=math.inf) + GONE_AFTER_S - now)

    def next_file(self) -> str | None:
        """The next file to read, until `done`; None when there is none at present."""
        for path, stamp in self._waiting.items():
            if path not in self._reading:
                self._reading[path] = stamp
                del self._waiting[path]
                return path
        return None

    def put_back(self, path: str) -> None:
        """The file could not be read for reasons of ours."""
        self._waiting.setdefault(path, self._reading.pop(path))

    def done(self, path: str, outcome: Outcome, now: float) -> FolderChanges:
        """The file was read; what is to be written."""
        stamp, file = self._reading.pop(path), self._files.get(path)
        if file is None or file.missing_since is not None:
            return FolderChanges()
        file.stamp, file.read_at, file.reads = stamp, now, outcome.reads
        if outcome.failure is not None:
            return FolderChanges(failures=[outcome.failure])
        makes = {version.dag.dag_id for version in outcome.versions}
        self._set_made(path, makes)
        lost = {dag_id: self._owner(dag_id) for dag_id in makes if self._owner(dag_id) != path}
        return FolderChanges(
            versions=[version for version in outcome.versions if version.dag.dag_id not in lost],
            makes={self.fileloc(path): makes - lost.keys()},
            failures=[self._conflict(path, lost)] if lost else [],
        )

    def _is_due(
        self, path: str, file: _File, stamp: Stamp, others: Mapping[str, Stamp | None], now: float
    ) -> bool:
        if stamp != self._reading.get(path, file.stamp):
            return True
        if path in self._reading:
            return False
        idle_s = now - file.read_at
        has_news = any(others.get(read.path, read.stamp) != read.stamp for read in file.reads)
        return idle_s >= self._read_again_s or (has_news and idle_s >= self._rest_s)

    def _notice_missing(self, paths: Iterable[str], now: float) -> None:
        for path in paths:
            file = self._files[path]
            if file.missing_since is None:
                file.missing_since, file.stamp = now, None
                self._waiting.pop(path, None)
                self._set_made(path, set())

    def _is_gone(self, file: _File, now: float) -> bool:
        return file.missing_since is not None and now - file.missing_since >= GONE_AFTER_S

    def _set_made(self, path: str, dag_ids: set[str]) -> None:
        """Note which Dags a file makes, and have those read again who lose or get one of them by that."""
        file = self._files[path]
        before, file.makes = file.makes, dag_ids
        for dag_id in before | dag_ids:
            makers = self._makers.setdefault(dag_id, set())
            owner = min(makers, default=None)
            (makers.add if dag_id in dag_ids else makers.discard)(path)
            if min(makers, default=None) != owner:
                self._read_again(makers - {path})
            if not makers:
                del self._makers[dag_id]

    def _read_again(self, paths: Iterable[str]) -> None:
        for path in paths:
            stamp = self._files[path].stamp
            if stamp is not None:
                self._waiting.setdefault(path, stamp)

    def _owner(self, dag_id: str) -> str:
        return min(self._makers[dag_id])

    def _conflict(self, path: str, lost: Mapping[str, str]) -> FailedFile:
        dag_id, owner = min(lost.items())
        more = f" (and {len(lost) - 1} more that others make)" if len(lost) > 1 else ""
        return FailedFile(
            fileloc=self.fileloc(path),
            message=f"{self.fileloc(path)} makes a Dag {dag_id!r}{more}, and so does {self.fileloc(owner)},"
            " which comes first; give one of them another dag_id",
        )


def _is_missing(path: str, sight: Sight) -> bool:
    may_be_there = any(not folder or path.startswith(f"{folder}/") for folder in sight.unreadable)
    return path not in sight.files and not may_be_there
