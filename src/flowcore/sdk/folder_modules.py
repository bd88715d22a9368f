"""Modules that Dag files import from their folder: which these are, and how an edited one is imported anew.

Python keeps one module of a name per process. So when one of them was edited, all of the folder are let
go of before the next Dag file is imported: it gets them as they are now, while what was imported before keeps
what it has. Only modules that a Dag file was the first to import are touched.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import attrs

#: Dag files are modules under names of their own, which nobody else imports.
DAG_FILE_PREFIX = "flowcore_dag_file_"


@attrs.frozen
class _Noted:
    path: str
    stamp: tuple[int, int] | None


_noted: dict[str, _Noted] = {}


@contextmanager
def noting_modules(folder: str) -> Iterator[None]:
    """Note which modules of the folder a Dag file imports in the block, for the functions below."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in sys.modules.keys() - before:
            path = getattr(sys.modules[name], "__file__", None)
            is_dag_file = name.startswith(DAG_FILE_PREFIX)
            if isinstance(path, str) and _is_below(path, folder) and not is_dag_file:
                _noted[name] = _Noted(path, _stamp(path))


def imported_modules(folder: str) -> Mapping[str, str]:
    """The paths of the modules of the folder that Dag files have imported, by name."""
    return {name: noted.path for name, noted in _noted.items() if _is_below(noted.path, folder)}


def forget_modules(folder: str) -> None:
    """Import the modules of the folder anew from now on."""
    for name in imported_modules(folder):
        del _noted[name]
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def forget_edited_modules(folder: str) -> None:
    """The same, if one of them was edited or deleted since it was imported."""
    if any(_stamp(path) != _noted[name].stamp for name, path in imported_modules(folder).items()):
        forget_modules(folder)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
