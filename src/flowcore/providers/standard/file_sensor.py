"""`FileSensor`: waits for a file."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from flowcore.errors import ConnectionNotFound
from flowcore.sdk.connections import Connection
from flowcore.sdk.context import Context
from flowcore.sdk.sensors import BaseSensorOperator


class FileSensor(BaseSensorOperator):
    """Waits until a file, or a folder with a file in it, is there.

    Args:
        task_id: See `BaseOperator`.
        filepath: A path or a glob pattern, below the `path` in the extra of the connection `fs_conn_id`.
        fs_conn_id: By default `fs_default`; where there is no such connection, paths stand as they are.
        recursive: Whether `**` in a pattern stands for folders of any depth.
        arguments: See `BaseSensorOperator`.
    """

    template_fields = ("filepath", "fs_conn_id")

    def __init__(
        self,
        task_id: str,
        *,
        filepath: str | os.PathLike[str],
        fs_conn_id: str = "fs_default",
        recursive: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.filepath, self.fs_conn_id, self.recursive = os.fspath(filepath), fs_conn_id, recursive

    def poke(self, context: Context) -> bool:
        pattern = str(Path(self._base(), self.filepath))
        return any(_has_file(path) for path in glob.iglob(pattern, recursive=self.recursive))

    def _base(self) -> str:
        try:
            return str(Connection.get(self.fs_conn_id).extra_dejson.get("path", ""))
        except ConnectionNotFound:
            if self.fs_conn_id == "fs_default":
                return ""
            raise


def _has_file(path: str) -> bool:
    return os.path.isfile(path) or any(files for _, _, files in os.walk(path))
