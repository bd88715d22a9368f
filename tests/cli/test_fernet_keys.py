from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from tests.cli.conftest import Flowcore, error_of
from tests.support.planted_secrets import plant

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
TOKEN = plant()


@pytest.fixture(autouse=True)
def _stored(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    flowcore("db", "migrate")
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", OLD)
    flowcore("variables", "set", "token", stdin=TOKEN)
    flowcore("connections", "add", "db", stdin=f"http://me:{TOKEN}@host")


def test_after_a_rotation_the_old_key_is_not_needed(
    flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", f"{NEW},{OLD}")
    assert flowcore("rotate-fernet-key").stdout.startswith("2 connections and variables")
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", NEW)
    assert flowcore("variables", "get", "token", "--reveal").stdout == f"{TOKEN}\n"
    assert f'"password": "{TOKEN}"' in flowcore("connections", "get", "db", "--reveal").stdout


def test_a_rotation_without_the_old_key_changes_nothing(
    flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", NEW)
    assert "add the key that it was stored with" in flowcore("rotate-fernet-key").stderr
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", OLD)
    assert flowcore("variables", "get", "token", "--reveal").stdout == f"{TOKEN}\n"


def test_a_rotation_needs_a_key(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWCORE_FERNET_KEY")
    assert "there is no key to rotate to" in error_of(flowcore("rotate-fernet-key"))
