"""Which files of the Dag folder a program reads while it is imported: its Dags may depend on them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from flowcore.domain.dag_files import FileRead, Stamp
from flowcore.sdk.folder_modules import imported_modules

#: More of them are not noted.
_READS_MAX = 1_000


class FileReads:
    """Notes what this process reads below a folder: files, lists of folders, and modules.

    An audit hook cannot be taken away again, so this is for a process that ends soon.
    """

    def __init__(self, folder: str) -> None:
        self._folder, self._below = folder, os.path.join(folder, "")
        self._seen: dict[str, Stamp | None] = {}
        self._written: set[str] = set()

    def begin(self) -> None:
        """Note what is read from now on."""
        sys.addaudithook(self._hear)

    def of(self, program: str) -> tuple[FileRead, ...]:
        """What was read besides the program itself, each file as it was then."""
        seen = {path: stamp_of(path) for path in imported_modules(self._folder).values()} | self._seen
        # What it has written itself is no news to it.
        seen |= {path: stamp_of(path) for path in self._written & seen.keys()}
        seen.pop(program, None)
        return tuple(
            FileRead(path=path.removeprefix(self._below), stamp=stamp) for path, stamp in sorted(seen.items())
        )

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and args[2] & os.O_ACCMODE != os.O_RDONLY:
            self._written.update(self._places(args[0]))
        elif event in ("open", "os.listdir", "os.scandir"):
            for place in self._places(args[0]):
                if len(self._seen) < _READS_MAX:
                    self._seen.setdefault(place, stamp_of(place))

    def _places(self, path: Any) -> list[str]:
        """The absolute path if it is below the folder, and of interest."""
        if not isinstance(path, str | bytes) or _is_import_system():
            return []
        place = os.path.abspath(os.fsdecode(path))
        return [place] if place.startswith(self._below) and "__pycache__" not in place else []


def stamp_of(path: str | Path) -> Stamp | None:
    """What tells whether a file was changed; None when there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return Stamp(size=found.st_size, mtime_ns=found.st_mtime_ns, inode=found.st_ino)


def _is_import_system() -> bool:
    """Whether Python itself reads: what it looks for and finds is known as modules."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename.startswith("<frozen importlib")
