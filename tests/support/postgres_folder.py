"""The temporary folder of a PostgreSQL server, removed even when its owner was killed: by the next one.

An owner locks its folder. The kernel drops the lock with the process, so a folder that can be locked
belongs to nobody.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARENT = Path("/tmp")  # a short path: the name of a Unix socket may have 107 characters
PREFIX = "flowcore-pg-"


@contextmanager
def server_folder() -> Iterator[Path]:
    """Yield an empty folder of our own, and remove it with all that is in it afterwards."""
    _remove_left_folders()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=PARENT, ignore_cleanup_errors=True) as name:
        lock = os.open(name, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(lock)


def _remove_left_folders() -> None:
    for folder in PARENT.glob(f"{PREFIX}*"):
        if os.access(folder, os.R_OK) and _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(lock)
