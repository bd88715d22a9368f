from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore


def test_settings_are_listed_with_their_sources(
    flowcore: Flowcore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "flowcore.toml").write_text("parallelism = 4")
    monkeypatch.setenv("FLOWCORE_GRACE_S", "1.5")
    rows = {row["option"]: row for row in json.loads(flowcore("config", "list", "-o", "json").stdout)}
    assert rows["parallelism"] == {
        "option": "parallelism",
        "value": "4",
        "source": str(folder / "flowcore.toml"),
    }
    assert rows["grace_s"]["source"] == "environment variable FLOWCORE_GRACE_S"
    assert rows["backend"] == {"option": "backend", "value": "asyncio", "source": "default"}


def test_passwords_are_not_listed(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_DATABASE_URL", "postgresql://me:hunter2@host/db")
    shown = flowcore("config", "list").stdout
    assert "postgresql://me:***@host/db" in shown
    assert "hunter2" not in shown
