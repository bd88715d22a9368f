from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.cli.conftest import Flowcore, error_of
from tests.support.planted_secrets import holds_planted, plant

TOKEN, PASSWORD = plant(), plant()


@pytest.fixture(autouse=True)
def _migrated(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", Fernet.generate_key().decode())
    flowcore("db", "migrate")


def test_a_variable_is_read_back(flowcore: Flowcore) -> None:
    assert flowcore("variables", "set", "colour", "green").stdout == "colour is set\n"
    assert flowcore("variables", "get", "colour").stdout == "green\n"
    flowcore("variables", "set", "colour", stdin="blue\n")
    assert flowcore("variables", "get", "colour").stdout == "blue\n"


def test_secrets_are_hidden_unless_asked_for(flowcore: Flowcore) -> None:
    flowcore("variables", "set", "api_token", stdin=TOKEN)
    flowcore("variables", "set", "options", f'{{"password": "{PASSWORD}", "size": 3}}')
    shown = flowcore("variables", "list").stdout + flowcore("variables", "get", "options").stdout
    assert not holds_planted(shown)
    assert '"size": 3' in shown
    assert flowcore("variables", "get", "api_token", "--reveal").stdout == f"{TOKEN}\n"


def test_a_secret_needs_a_key_and_others_do_not(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWCORE_FERNET_KEY")
    assert "set FLOWCORE_FERNET_KEY" in error_of(flowcore("variables", "set", "token", stdin="planted"))
    assert flowcore("variables", "set", "colour", "green").exit_code == 0


def test_a_deleted_variable_is_gone(flowcore: Flowcore) -> None:
    flowcore("variables", "set", "colour", "green")
    assert flowcore("variables", "delete", "colour").stdout == "colour is deleted\n"
    for command in ("get", "delete"):
        assert "there is no variable 'colour'" in error_of(flowcore("variables", command, "colour"))


def test_what_is_exported_can_be_imported(flowcore: Flowcore, folder: Path) -> None:
    flowcore("variables", "set", "token", stdin=TOKEN)
    flowcore("variables", "export", "all.json")
    assert json.loads((folder / "all.json").read_text()) == {"token": TOKEN}
    assert stat.S_IMODE((folder / "all.json").stat().st_mode) == 0o600
    flowcore("variables", "delete", "token")
    flowcore("variables", "import", "all.json")
    assert flowcore("variables", "get", "token", "--reveal").stdout == f"{TOKEN}\n"
    (folder / "all.json").unlink()


def test_a_malformed_file_is_not_imported(flowcore: Flowcore, folder: Path) -> None:
    (folder / "bad.json").write_text('{"token": "plan')
    assert error_of(flowcore("variables", "import", "bad.json")).endswith(
        "is no JSON; write an object of names and values"
    )
