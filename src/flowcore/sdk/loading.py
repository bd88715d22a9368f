"""Dag files: import one, and collect the Dags that it makes.

Importing runs the author's code in this process. Whatever that raises becomes a `DagError` which says
where in the file. Where Airflow is not installed, its names can be imported by the file, and from then on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from flowcore.compat.airflow_modules import make_airflow_importable
from flowcore.domain.dag_sources import DagSource
from flowcore.errors import DagError
from flowcore.plug_ins.folder import make_folder_importable
from flowcore.sdk.dags import DAG
from flowcore.sdk.folder_modules import DAG_FILE_PREFIX, forget_edited_modules, noting_modules
from flowcore.sdk.import_failures import import_failure
from flowcore.sdk.nesting import collecting_dags


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
    return load_dag_source(read_dag_source(path, folder=folder))


def read_dag_source(path: Path, *, folder: Path | None = None) -> DagSource:
    """Read a Dag file without importing it; arguments as those of `load_dag_file`.

    Raises:
        DagError: It is no Python file, cannot be read, or is not in the encoding that it says.
    """
    # Links are left as they are: a folder may be one that is turned to the next version of its files.
    path = Path(os.path.abspath(path))
    if path.suffix != ".py":
        raise DagError(f"{path} is no Python file; name it *.py")
    try:
        text = importlib.util.decode_source(path.read_bytes())
    except OSError as error:
        raise DagError(
            f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        ) from error
    except (SyntaxError, UnicodeDecodeError) as error:
        raise DagError(f"{path}: {error}; save the file as UTF-8") from error
    return DagSource.of(text, path=str(path), folder=os.path.abspath(folder or path.parent))


def load_dag_source(source: DagSource) -> list[DAG]:
    """Import one version of a Dag file, whatever the file holds by now; see `load_dag_file`.

    Raises:
        DagError: The text raises, or two of its Dags have the same id.
    """
    path = Path(source.path)
    make_airflow_importable()
    make_folder_importable()
    forget_edited_modules(source.folder)
    with collecting_dags() as entered, _importable(source.folder), noting_modules(source.folder):
        module = _import(source)
    # Names come second: a Dag that was entered has its place in the order of definition.
    bound = [value for value in vars(module).values() if isinstance(value, DAG)]
    dags = list(dict.fromkeys([*entered, *bound]))
    _check_ids(path, dags)
    for dag in dags:
        dag.fileloc = dag.fileloc or str(path)
    return dags


@contextmanager
def _importable(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        # The file may have changed the list; only our entry is ours to remove.
        if folder in sys.path:
            sys.path.remove(folder)
        # Functions may import when they run. Last, so that nothing of this process is hidden by the folder.
        if folder not in sys.path:
            sys.path.append(folder)


def _import(source: DagSource) -> ModuleType:
    name = _module_name(source)
    spec = importlib.util.spec_from_file_location(name, source.path)
    if spec is None:
        raise DagError(f"{source.path} is no Python file; name it *.py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and type hints look their module up here.
    sys.modules[name] = module
    # Tracebacks show the lines of this version, whatever the file holds by now.
    linecache.cache[source.path] = (len(source.text), None, source.text.splitlines(True), source.path)
    try:
        exec(compile(source.text, source.path, "exec", dont_inherit=True), vars(module))
    # The author's code may raise anything; SystemExit is what a script ends with.
    except (Exception, SystemExit) as error:
        raise DagError(import_failure(Path(source.path), error)) from error
    return module


def forget_dag_source(source: DagSource) -> None:
    """Let go of an imported version; the modules that it imported in turn are kept."""
    sys.modules.pop(_module_name(source), None)


def _module_name(source: DagSource) -> str:
    # Versions of one file may be imported side by side, and must not be taken for each other.
    digest = hashlib.sha256("\0".join(source.key).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{DAG_FILE_PREFIX}{digest[:16]}_{Path(source.path).stem}"


def _check_ids(path: Path, dags: list[DAG]) -> None:
    ids = Counter(dag.dag_id for dag in dags)
    for dag_id, count in ids.most_common(1):
        if count > 1:
            raise DagError(f"{path} makes two Dags called {dag_id!r}; give one of them another dag_id")
