"""Job: import one Dag file and report what it makes. Variables and connections are asked of the supervisor.

The author's code may do anything at all to this process, so the supervisor believes nothing but a report, and
ends the process after a while.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from types import FrameType

import attrs

from flowcore.domain.dag_files import FileRead, ParsedFile
from flowcore.errors import DagError
from flowcore.runner.dag_files.file_reads import FileReads
from flowcore.runner.dag_files.parsing import parse_dag_file
from flowcore.runner.error_texts import text_of
from flowcore.runner.processes.jobs import Job
from flowcore.sdk.comms.decoder import Decoder
from flowcore.sdk.comms.messages import Notice
from flowcore.sdk.comms.questions import current_comms, process_comms
from flowcore.sdk.import_failures import import_failure, place_in_file

PARSE = "flowcore.runner.dag_files.parse_job:parse"
#: Characters of a traceback that are kept, from its end.
_DETAIL_MAX = 20_000


@attrs.frozen
class DagMade(Notice):
    """One Dag of the file: its document as JSON text."""

    document: str
    content_hash: str


@attrs.frozen
class FileParsed(Notice):
    """The last word about a file that could be imported, after its Dags."""

    text: str
    digest: str
    reads: tuple[FileRead, ...] = ()


@attrs.frozen
class FileFailed(Notice):
    """The last word about a file that could not be imported."""

    message: str
    detail: str | None = None
    reads: tuple[FileRead, ...] = ()


class _TooSlow(BaseException):
    """Raised in the author's code by SIGINT, which the supervisor sends when the time is over."""


def parse(job: Job) -> None:
    """Import the file `path` below `folder`, and report it; SIGINT says that it took too long."""
    signal.signal(signal.SIGINT, _interrupt)
    comms, me = Decoder(job.comms), os.getpid()
    path, folder = Path(job.payload["path"]), Path(job.payload["folder"])
    reads = FileReads(str(folder))
    with current_comms(comms), process_comms(comms):
        reads.begin()
        notices = _notices(path, folder, reads)
    # A file that forks comes here twice; the copy has nothing to say.
    if os.getpid() == me:
        for notice in notices:
            comms.post(notice)


def _notices(path: Path, folder: Path, reads: FileReads) -> list[Notice]:
    try:
        parsed = parse_dag_file(path, folder)
    # Whatever it is: an exception that nobody expects is the file's mistake, too.
    except BaseException as error:
        return [FileFailed(_message(path, error), _detail(error), reads.of(str(path)))]
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return [*_dags(parsed), FileParsed(parsed.source.text, parsed.source.digest, reads.of(str(path)))]


def _dags(parsed: ParsedFile) -> list[Notice]:
    return [DagMade(json.dumps(version.document), version.content_hash) for version in parsed.versions]


def _message(path: Path, error: BaseException) -> str:
    if isinstance(error, DagError):
        return str(error)
    if isinstance(error, _TooSlow):
        where = place_in_file(path, error)
        return f"{where}: it took too long to import; do less at import, or raise dag_file_timeout_s"
    return import_failure(path, error)


def _detail(error: BaseException) -> str | None:
    # What a DagError was made of is what the author wants to see.
    cause = error.__cause__ if isinstance(error, DagError) else error
    return text_of(cause)[-_DETAIL_MAX:] if cause else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _TooSlow
