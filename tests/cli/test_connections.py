from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.cli.conftest import Flowcore, error_of
from tests.support.planted_secrets import find_planted, holds_planted, plant

PASSWORD, API_KEY = plant(), plant()
URI = f"postgres://me:{PASSWORD}@db.example:5433/sales?api_key={API_KEY}&region=eu"


@pytest.fixture(autouse=True)
def _migrated(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", Fernet.generate_key().decode())
    flowcore("db", "migrate")


@pytest.fixture
def _added(flowcore: Flowcore) -> None:
    assert flowcore("connections", "add", "sales", stdin=URI).stdout == "sales is added\n"


@pytest.mark.usefixtures("_added")
def test_secrets_are_hidden_unless_asked_for(flowcore: Flowcore) -> None:
    for command in (("list", "-o", "json"), ("list",), ("get", "sales")):
        shown = flowcore("connections", *command).stdout
        assert "db.example" in shown
        assert "eu" in shown
        assert not holds_planted(shown)
    shown = flowcore("connections", "get", "sales", "--reveal").stdout
    assert PASSWORD in shown
    assert API_KEY in shown


@pytest.mark.usefixtures("_added")
def test_nothing_secret_is_readable_in_the_database(folder: Path) -> None:
    assert b"db.example" in (folder / "flowcore.db").read_bytes()
    assert find_planted(folder) == []


def test_without_a_key_a_password_is_refused(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWCORE_FERNET_KEY")
    message = error_of(flowcore("connections", "add", "sales", stdin=URI))
    assert "'sales' cannot be stored" in message
    assert "set FLOWCORE_FERNET_KEY" in message
    assert flowcore("connections", "add", "open", "--conn-uri", "http://host").exit_code == 0


@pytest.mark.usefixtures("_added")
def test_a_taken_id_is_replaced_only_when_told_to(flowcore: Flowcore) -> None:
    again = ("connections", "add", "sales", "--conn-json", '{"conn_type": "http", "host": "other"}')
    assert error_of(flowcore(*again)).endswith("say --overwrite to replace it")
    flowcore(*again, "--overwrite")
    assert json.loads(flowcore("connections", "get", "sales").stdout)["host"] == "other"


@pytest.mark.usefixtures("_added")
def test_a_deleted_connection_is_gone(flowcore: Flowcore) -> None:
    flowcore("connections", "delete", "sales")
    for command in ("get", "delete", "test"):
        assert "there is no connection 'sales'" in error_of(flowcore("connections", command, "sales"))


def test_a_host_is_tried(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("AIRFLOW_CONN_WEB", f"http://127.0.0.1:{port}")
        said = flowcore("connections", "test", "web").stdout
        assert said == f"web is a connection of type http; 127.0.0.1 answers on port {port}\n"
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://127.0.0.1:1")
    away = flowcore("connections", "test", "web")
    assert (away.exit_code, away.stdout) == (1, "")
    assert "127.0.0.1 does not answer on port 1" in away.stderr


def test_the_environment_is_looked_into(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WEB", "http://web.example")
    assert json.loads(flowcore("connections", "get", "web").stdout)["host"] == "web.example"


@pytest.mark.usefixtures("_added")
def test_what_is_exported_can_be_imported(flowcore: Flowcore, folder: Path) -> None:
    flowcore("connections", "export", "all.json")
    assert stat.S_IMODE((folder / "all.json").stat().st_mode) == 0o600
    before = flowcore("connections", "list", "--reveal").stdout
    flowcore("connections", "delete", "sales")
    assert flowcore("connections", "import", "all.json").stdout == "1 connections are imported\n"
    assert flowcore("connections", "list", "--reveal").stdout == before
    (folder / "all.json").unlink()


@pytest.mark.usefixtures("_added")
def test_an_import_is_done_as_a_whole_or_not_at_all(flowcore: Flowcore, folder: Path) -> None:
    (folder / "new.env").write_text("other=http://host\nsales=http://host\n")
    assert "'sales' already" in error_of(flowcore("connections", "import", "new.env"))
    assert "there is no connection 'other'" in error_of(flowcore("connections", "get", "other"))


@pytest.mark.usefixtures("_added")
def test_an_export_replaces_no_file(flowcore: Flowcore, folder: Path) -> None:
    (folder / "all.json").write_text("mine")
    assert "name another file" in error_of(flowcore("connections", "export", "all.json"))


def test_a_malformed_connection_is_not_quoted(flowcore: Flowcore) -> None:
    message = error_of(flowcore("connections", "add", "sales", "--conn-uri", "postgres://me:plan/ted@host"))
    assert "'sales' cannot be read" in message
    assert "plan" not in message


def test_a_wrong_key_is_named_as_the_reason(flowcore: Flowcore, monkeypatch: pytest.MonkeyPatch) -> None:
    flowcore("connections", "add", "sales", stdin=URI)
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", Fernet.generate_key().decode())
    result = flowcore("connections", "get", "sales")
    assert result.exit_code == 1
    assert "'database' cannot look up 'sales': no key in fernet_key decrypts it" in result.stderr
