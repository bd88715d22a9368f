"""Rows that are deleted from the database, kept as files: JSON Lines, compressed, one file for each table."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import attrs

from flowcore.errors import UsageError


@attrs.frozen
class ArchiveFiles:
    """Adds rows to `TABLE.jsonl.gz` in a folder that belongs to nobody but its owner.

    Each batch is a member of its own of the gzip file, so that one that was cut off spoils no other.
    """

    folder: Path

    async def add(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Write rows by table; when this returns they are on the disk.

        Raises:
            UsageError: the folder cannot be written to.
        """
        await anyio.to_thread.run_sync(self._add, rows)

    def _add(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for table, of_table in rows.items():
                if of_table:
                    _append(self.folder / f"{table}.jsonl.gz", of_table)
        except OSError as error:
            raise UsageError(
                f"the archive in {self.folder} cannot be written ({error.strerror}); nothing of the last"
                " batch was deleted; make room, or name another folder"
            ) from error


def _append(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    lines = "".join(json.dumps(row, default=_plain, separators=(",", ":")) + "\n" for row in rows)
    # What runs were given and what tasks left may be confidential.
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with open(number, "ab") as file:
        file.write(gzip.compress(lines.encode("utf-8", "surrogatepass")))
        file.flush()
        os.fsync(number)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} has no JSON form")
