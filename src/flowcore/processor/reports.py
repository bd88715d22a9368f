"""What a child says about the Dag file that it imports. Nothing of it is believed unseen."""

from __future__ import annotations

import json

import attrs

from flowcore.domain.dag_files import FailedFile, FileRead, NewVersion
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.serialization import load_dag
from flowcore.domain.storable_texts import storable
from flowcore.errors import DagError, ProtocolError
from flowcore.processor.catalogue import Outcome
from flowcore.runner.dag_files.parse_job import DagMade, FileFailed, FileParsed
from flowcore.runner.dag_files.parsing import DAGS_MAX
from flowcore.sdk.comms.messages import MaskSecrets, Notice
from flowcore.secrets.masking import PROCESS

#: Characters of the documents of one file.
_DOCUMENTS_MAX = 256 * 1024 * 1024


@attrs.define(eq=False)
class Report:
    """The notices of one child, taken one after the other."""

    _dags: list[DagMade] = attrs.field(factory=list)
    _size: int = 0
    _last: FileParsed | FileFailed | None = None

    async def take(self, notice: Notice, ref: int | None) -> None:
        """Take a notice.

        Raises:
            ProtocolError: it says more than any file has to say.
        """
        match notice:
            case MaskSecrets(secrets):
                PROCESS.add(secrets)
            case DagMade() if self._last is None:
                self._dags.append(notice)
                self._size += len(notice.document)
                if len(self._dags) > DAGS_MAX or self._size > _DOCUMENTS_MAX:
                    raise ProtocolError("it reported more Dags than a file may make")
            case FileParsed() | FileFailed() if self._last is None:
                self._last = notice

    def outcome(self, *, folder: str, path: str) -> Outcome | None:
        """What came of the file at `path`, an absolute one; None without a last word. It may take a while."""
        match self._last:
            case None:
                return None
            case FileFailed(message, detail, reads):
                return failure(path, message, detail, reads=reads)
            case FileParsed(text, digest, reads):
                source = DagSource(path=path, folder=folder, text=text, digest=digest)
                try:
                    versions = tuple(_version(made, source) for made in self._dags)
                except (DagError, ValueError, RecursionError) as error:
                    return failure(path, f"{path}: it reported a Dag that is none: {error}; mend the file")
                return Outcome(versions=versions, reads=reads)


def failure(
    path: str, message: str, detail: str | None = None, *, reads: tuple[FileRead, ...] = ()
) -> Outcome:
    """The file could not be used."""
    hidden = detail and storable(PROCESS.mask(detail))
    return Outcome(
        failure=FailedFile(fileloc=path, message=storable(PROCESS.mask(message)), detail=hidden or None),
        reads=reads,
    )


def _version(made: DagMade, source: DagSource) -> NewVersion:
    document = json.loads(made.document)
    return NewVersion(
        dag=attrs.evolve(load_dag(document), fileloc=source.path),
        document=document,
        content_hash=made.content_hash,
        source=source,
    )
