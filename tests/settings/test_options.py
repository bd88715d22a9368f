from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest
from typed_settings import SettingsState
from typed_settings.converters import TSConverter

from flowcore.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_every_option_is_documented_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    options = SettingsState(Settings, (), (), TSConverter(), tmp_path).options_by_path
    rows = []
    for name, default in attrs.asdict(Settings()).items():
        shown = str(default).replace(str(tmp_path), "<current folder>") or "none"
        rows.append((name, shown, options[name].metadata["click"]["help"]))
    documented = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert documented == rows


@pytest.mark.parametrize(
    "wrong", [{"grace_s": -1.0}, {"lease_s": 0.0}, {"parallelism": 0}, {"async_parallelism": 0}]
)
def test_numbers_have_limits(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"'{next(iter(wrong))}' must be >="):
        Settings(**wrong)
