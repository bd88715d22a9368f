"""The folder of plug-ins that are not installed: its Python files that name `AirflowPlugin`.

The folder can be imported from, by Dag files too, so that they and we have the same classes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from flowcore.errors import DagError

_VARIABLE = "FLOWCORE_PLUGINS_FOLDER"
_CONFIG_FILES = ("FLOWCORE_CONFIG", "flowcore.toml")


@cache
def plugins_folder() -> Path | None:
    """The folder that the settings name, if it is there; the same for every process of a scheduler."""
    folder = Path(os.environ.get(_VARIABLE) or _configured() or "plugins").absolute()
    return folder if folder.is_dir() else None


def _configured() -> Path | None:
    variable, file = _CONFIG_FILES
    if not os.environ.get(variable) and not os.path.exists(file):
        return None
    # Imported here, because most processes of tasks have no use for settings.
    settings: ModuleType = import_module("flowcore.settings")
    folder: Path = settings.load_settings().plugins_folder
    return folder


def make_folder_importable() -> None:
    """From now on modules of the folder can be imported in this process; after everything else."""
    folder = plugins_folder()
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))


def plugin_files(folder: Path) -> Iterator[Path]:
    """The files that may make plug-ins, in the order of their names."""
    for file in sorted(folder.rglob("*.py")):
        if b"AirflowPlugin" in file.read_bytes():
            yield file


def import_plugin_file(file: Path, folder: Path) -> ModuleType:
    """The module of a file.

    Raises:
        DagError: Another module has its name.
        Exception: What its own code raises.
    """
    parts = file.relative_to(folder).with_suffix("").parts
    module = import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    if module.__file__ is None or not os.path.samefile(module.__file__, file):
        raise DagError(f"{file} is hidden by {module.__file__}; give it another name")
    return module
