"""Decision records can be cited by number and say how one would notice that they are broken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

RECORDS = sorted((Path(__file__).parents[2] / "docs" / "decisions").glob("*.md"))
SECTIONS = ["Context", "Decision", "Consequences", "Violated when"]


def test_numbers_are_used_once():
    numbers = [path.name[:4] for path in RECORDS]
    assert sorted(set(numbers)) == numbers


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_record_has_its_sections_in_order(path):
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+", path.stem)
    assert re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) == SECTIONS
