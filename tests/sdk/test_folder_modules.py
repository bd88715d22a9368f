from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowcore.sdk.folder_modules import (
    forget_edited_modules,
    forget_modules,
    imported_modules,
    noting_modules,
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Has the modules `noted_one` and `noted_two`, of which a Dag file has imported the first."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("noted_one", "noted_two"):
        (tmp_path / f"{name}.py").write_text("")
    with noting_modules(str(tmp_path)):
        importlib.import_module("noted_one")
    yield str(tmp_path)
    forget_modules(str(tmp_path))
    sys.modules.pop("noted_two", None)


def test_modules_that_a_dag_file_imports_are_known(folder: str) -> None:
    assert imported_modules(folder) == {"noted_one": f"{folder}/noted_one.py"}


def test_modules_that_others_imported_first_are_left_alone(folder: str) -> None:
    theirs = importlib.import_module("noted_two")
    with noting_modules(folder):
        importlib.import_module("noted_two")
    forget_modules(folder)
    assert sys.modules["noted_two"] is theirs
    assert "noted_one" not in sys.modules


def test_modules_elsewhere_are_left_alone(folder: str) -> None:
    forget_modules(f"{folder}/sub")
    forget_modules(folder[:-1])
    assert "noted_one" in sys.modules


def test_all_modules_are_forgotten_when_one_was_edited(folder: str) -> None:
    forget_edited_modules(folder)
    assert "noted_one" in sys.modules
    Path(folder, "noted_one.py").write_text("edited = True")
    forget_edited_modules(folder)
    assert ("noted_one" in sys.modules, imported_modules(folder)) == (False, {})
