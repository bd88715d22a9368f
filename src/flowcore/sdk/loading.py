"""Dag files: find them in a folder, import one, and collect the Dags that it makes.

Importing runs the author's code in this process. Whatever that raises becomes a `DagError` which says
where in the file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from flowcore.errors import DagError
from flowcore.sdk.dags import DAG
from flowcore.sdk.nesting import collecting_dags


def find_dag_files(folder: Path) -> list[Path]:
    """Every `*.py` below `folder`, sorted; hidden files and folders and `__pycache__` are left out."""
    return sorted(
        path
        for path in folder.rglob("*.py")
        if path.is_file() and not any(_is_hidden(part) for part in path.relative_to(folder).parts)
    )


def load_dag_file(path: Path, *, folder: Path | None = None) -> list[DAG]:
    """Import a Dag file and return its Dags, in order of definition.

    These are the Dags bound to a name of the module, and those that were entered (`with DAG(...)`, a
    call of a `@dag` function) while it was imported.

    Args:
        path: The file.
        folder: The folder of the Dags, from which the file may import; by default the file's own.

    Raises:
        DagError: The file cannot be read or raises, or two of its Dags have the same id.
    """
    path = path.resolve()
    with collecting_dags() as entered, _importable(folder.resolve() if folder else path.parent):
        module = _import_file(path)
    # Names come second: a Dag that was entered has its place in the order of definition.
    bound = [value for value in vars(module).values() if isinstance(value, DAG)]
    dags = list(dict.fromkeys([*entered, *bound]))
    _check_ids(path, dags)
    for dag in dags:
        dag.fileloc = dag.fileloc or str(path)
    return dags


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__pycache__"


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        # The file may have changed the list; only our entry is ours to remove.
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _import_file(path: Path) -> ModuleType:
    digest = hashlib.sha1(str(path).encode(), usedforsecurity=False).hexdigest()
    name = f"flowcore_dag_file_{digest[:12]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        raise DagError(f"{path} is no Python file; name it *.py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and type hints look their module up here.
    sys.modules[name] = module
    source = _read(path)
    try:
        # Compiled here and not by the import system, whose bytecode cache may miss a quick edit.
        exec(compile(source, str(path), "exec"), vars(module))
    # The author's code may raise anything; SystemExit is what a script ends with.
    except (Exception, SystemExit) as error:
        raise DagError(_what_is_wrong(path, error)) from error
    return module


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DagError(
            f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        ) from error


def _what_is_wrong(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}:{error.lineno}: {type(error).__name__}: {error.msg}; mend the file"
    in_file = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    where = f"{path}:{in_file[-1]}" if in_file else f"{path}"
    if isinstance(error, DagError):
        return f"{where}: {error}"
    message = " ".join(str(error).split())
    return f"{where}: {type(error).__name__}: {message}; mend the file"


def _check_ids(path: Path, dags: list[DAG]) -> None:
    ids = [dag.dag_id for dag in dags]
    for dag_id in ids:
        if ids.count(dag_id) > 1:
            raise DagError(f"{path} makes two Dags called {dag_id!r}; give one of them another dag_id")
