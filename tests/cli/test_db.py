from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from flowcore.database.schema import HEAD
from tests.cli.conftest import Flowcore, error_of


def test_migrating_creates_the_schema(flowcore: Flowcore, database_url: str) -> None:
    result = flowcore("db", "migrate", "--database-url", database_url)
    assert result.exit_code == 0
    assert result.stdout == f"{database_url}: the database has schema {HEAD}, which is current\n"
    assert flowcore("db", "check", "--database-url", database_url).exit_code == 0


def test_migrating_says_nothing_of_alembic(flowcore: Flowcore) -> None:
    assert flowcore("db", "migrate").stderr == ""


def test_checking_does_not_create_a_file(flowcore: Flowcore, folder: Path) -> None:
    shown = error_of(flowcore("db", "check"))
    assert shown == f"error: there is no database {folder}/flowcore.db yet; run `flowcore db migrate`"
    assert not (folder / "flowcore.db").exists()


def test_an_empty_database_is_out_of_date(flowcore: Flowcore, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).touch()
    shown = error_of(flowcore("db", "check", "--database-url", database_url))
    assert shown == "error: the database has no schema yet; run `flowcore db migrate`"


def test_an_older_database_is_out_of_date(flowcore: Flowcore, folder: Path) -> None:
    flowcore("db", "migrate")
    with sqlite3.connect(folder / "flowcore.db") as raw:
        raw.execute("UPDATE flowcore_schema SET version_num = '0000'")
    raw.close()
    assert f"has schema 0000 and this version needs {HEAD}; run `flowcore db migrate`" in error_of(
        flowcore("dags", "list")
    )


def test_resetting_asks_first(flowcore: Flowcore) -> None:
    flowcore("db", "migrate")
    result = flowcore("db", "reset", stdin="n\n")
    assert result.exit_code == 1
    assert "Delete everything in sqlite:///" in result.stderr
    assert result.stdout == ""


def test_resetting_unasked(flowcore: Flowcore) -> None:
    assert flowcore("db", "reset", "--yes").stdout.endswith("which is current\n")


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql", "error: the database URL cannot be understood; write it like sqlite:///"),
        ("mysql://host/db", "error: databases of kind 'mysql' are not supported; use sqlite:///"),
        ("sqlite:////absent/flow.db", "error: the folder /absent does not exist; create it"),
        ("postgresql://me:secret@127.0.0.1:1/db", "127.0.0.1"),
    ],
)
def test_a_database_that_cannot_be_used_is_named(url: str, complaint: str, flowcore: Flowcore) -> None:
    shown = error_of(flowcore("db", "migrate", "--database-url", url))
    assert complaint in shown
    assert "secret" not in shown


def test_a_file_that_is_no_database_is_named(flowcore: Flowcore, folder: Path) -> None:
    (folder / "flowcore.db").write_text("This is a letter, not a database. " * 100)
    assert "flowcore.db cannot be opened: file is not a database" in error_of(flowcore("db", "check"))
