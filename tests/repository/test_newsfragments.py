"""Every change note is one that towncrier finds and a user can read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = [
    kind["directory"]
    for kind in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
]
#: An issue's number, or a plus sign and a word where there is no issue.
NAME = re.compile(rf"(\d+|\+[a-z0-9-]+)\.({'|'.join(KINDS)})(\.\d+)?\.md")

FRAGMENTS = [path for path in sorted((ROOT / "newsfragments").iterdir()) if path.name != "README.md"]


def test_fragments_are_named_after_an_issue_and_a_kind():
    assert [path.name for path in FRAGMENTS if not NAME.fullmatch(path.name)] == []


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_fragment_is_a_sentence(path):
    text = path.read_text().strip()
    assert text.endswith(".")
    assert len(text) > 20
