"""Tests are found where their source is: `domain/test_retries.py` tests `domain/retries.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SOURCE = TESTS.parent / "src" / "flowcore"
#: Folders whose tests are about more than one file of the source.
BY_SUBJECT = {
    "acceptance",
    "contracts",
    "examples",
    "properties",
    "repository",
    "semantics",
    "support",
    "typing",
}

MIRRORS = [
    path.relative_to(TESTS)
    for path in sorted(TESTS.rglob("test_*.py"))
    if path.relative_to(TESTS).parts[0] not in BY_SUBJECT
]


@pytest.mark.parametrize("path", MIRRORS, ids=str)
def test_test_file_mirrors_a_source_file(path):
    mirrored = SOURCE / path.parent / path.stem.removeprefix("test_")
    assert mirrored.with_suffix(".py").is_file() or mirrored.is_dir()
