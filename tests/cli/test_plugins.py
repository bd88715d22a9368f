from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore
from tests.support.plug_ins import importable, write_distribution

POINTS = {"flowcore.macros": {"text": "textwrap", "gone": "absent"}}


@pytest.fixture
def installed(folder: Path) -> Iterator[None]:
    write_distribution(folder, "texts", {}, POINTS)
    with importable(folder):
        yield


@pytest.mark.usefixtures("installed")
def test_what_plug_ins_bring_is_listed_with_what_is_wrong(flowcore: Flowcore) -> None:
    listed = flowcore("plugins", "-o", "json")
    rows = {row["name"]: row for row in json.loads(listed.stdout) if row["from"] == "texts 1"}
    assert rows["text"] == {
        "kind": "macros", "name": "text", "is": "textwrap", "from": "texts 1", "problem": None
    }  # fmt: skip
    assert rows["gone"]["problem"] == "ModuleNotFoundError: No module named 'absent'"
    assert listed.exit_code == 1
