"""What came of reading a Dag file: its Dags with the source that makes them, or why there are none."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from flowcore.domain.dag_sources import DagSource
from flowcore.domain.dags import Dag
from flowcore.domain.serialization import content_hash, dump_dag
from flowcore.errors import DagError


@attrs.frozen(kw_only=True)
class Stamp:
    """What tells whether a file, or the list of what is in a folder, was changed."""

    size: int
    mtime_ns: int
    inode: int


@attrs.frozen(kw_only=True)
class FileRead:
    """Another file that a Dag file read while it was imported, as it was then; None: it was not there.

    `path` is relative to the folder.
    """

    path: str
    stamp: Stamp | None = None


@attrs.frozen(kw_only=True)
class FailedFile:
    """A Dag file that could not be used: one line that says why, and a traceback if there is one."""

    fileloc: str
    message: str
    detail: str | None = None


@attrs.frozen(kw_only=True)
class NewVersion:
    """A Dag as it is to be stored: its document, and what tells this version from the others.

    Only a version with a `source` can be carried out by another process than the one that registers it.
    """

    dag: Dag
    document: Mapping[str, Any]
    content_hash: str
    source: DagSource | None = None

    @classmethod
    def of(cls, dag: Dag, source: DagSource | None = None, *, code: str | None = None) -> NewVersion:
        """The version of a Dag. `code` is the `code_digest` of the source and of what it imports.

        Raises:
            DagError: no database can keep something of the Dag.
        """
        try:
            # Where the folder is on this machine says nothing about the Dag.
            document = dump_dag(attrs.evolve(dag, fileloc=None))
            _check_storable(dag, document)
            identity = {"dag": document, "code": code, "place": source.place} if source else document
            return cls(dag=dag, document=document, content_hash=content_hash(identity), source=source)
        # Authors put objects of their own where values belong.
        except (TypeError, ValueError, RecursionError) as error:
            raise DagError(
                f"Dag {dag.dag_id!r} cannot be stored: {error}; use strings, numbers, dates, and lists and"
                " dicts of these in its arguments"
            ) from error


@attrs.frozen(kw_only=True)
class ParsedFile:
    """A Dag file that could be imported, the Dags that it makes, and what else it read."""

    source: DagSource
    versions: tuple[NewVersion, ...]
    reads: tuple[FileRead, ...] = ()


@attrs.frozen
class KnownFolder:
    """What was stored of the files below a folder: Dags with their files, active or not, and failed files."""

    dags: Mapping[str, str]
    active: frozenset[str]
    failed: frozenset[str]


@attrs.frozen(kw_only=True)
class FolderChanges:
    """What is to be written after some Dag files were read, or found to be gone.

    `makes` tells of each of these files which Dags it stands for from now on: of a file that is gone none. A
    file that could not be imported is not in it, for its Dags stay as they were. Files are absolute paths.
    """

    versions: Sequence[NewVersion] = ()
    makes: Mapping[str, Collection[str]] = attrs.field(factory=dict)
    failures: Sequence[FailedFile] = ()


def code_digest(text: str, modules: Mapping[str, str] | None = None) -> str:
    """A digest of what a program does: comments and layout do not count.

    `modules` are digests of what it imports, by name.
    """
    try:
        shown = ast.dump(ast.parse(text))
    # Whatever cannot be taken apart (or is nested too deeply) is compared as it is written.
    except (SyntaxError, ValueError, RecursionError):
        shown = text
    parts = [shown, *(f"{name} {digest}" for name, digest in sorted((modules or {}).items()))]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _check_storable(dag: Dag, value: object) -> None:
    match value:
        case str():
            # Every text passes here, and nearly all are short and plain.
            if "\0" in value or not (value.isascii() or _is_encodable(value)):
                raise DagError(
                    f"Dag {dag.dag_id!r} cannot be stored; leave NUL and halves of surrogate pairs out of its"
                    " texts"
                )
        case float() if value - value != 0:
            raise DagError(f"Dag {dag.dag_id!r} cannot be stored; {value} is no JSON, use a finite number")
        case Mapping():
            for key, item in value.items():
                _check_storable(dag, key)
                _check_storable(dag, item)
        case list() | tuple():
            for item in value:
                _check_storable(dag, item)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
