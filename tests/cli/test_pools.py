from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _migrated(flowcore: Flowcore) -> None:
    flowcore("db", "migrate")


def test_a_pool_is_created_changed_and_deleted(flowcore: Flowcore) -> None:
    assert flowcore("pools", "set", "small", "3", "for dear things").stdout == "small has 3 slots\n"
    flowcore("pools", "set", "small", "5")
    [row] = json.loads(flowcore("pools", "get", "small", "-o", "json").stdout)
    assert (row["slots"], row["used"], row["waiting"], row["description"]) == (5, 0, 0, None)
    assert flowcore("pools", "delete", "small").stdout == "small is deleted\n"
    assert "there is no pool 'small'; known: default_pool" in error_of(flowcore("pools", "get", "small"))


def test_a_pool_without_limit(flowcore: Flowcore) -> None:
    assert flowcore("pools", "set", "--", "default_pool", "-1").stdout == "default_pool has no limit\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("delete", "default_pool"), "cannot be deleted, tasks that name no pool use it; set its slots"),
        (("delete", "absent"), "there is no pool 'absent'"),
        (("set", "--", "small", "-2"), "cannot have -2 slots; -1 means no limit"),
        (("set", "", "1"), "a pool needs a name"),
        (("import", "absent.json"), "absent.json cannot be imported"),
    ],
)
def test_what_cannot_be_is_refused(flowcore: Flowcore, arguments: tuple[str, ...], error: str) -> None:
    assert error in error_of(flowcore("pools", *arguments))


def test_pools_are_exported_and_imported_as_airflow_does(flowcore: Flowcore, folder: Path) -> None:
    flowcore("pools", "set", "small", "3", "for dear things", "--include-deferred")
    flowcore("pools", "export", "pools.json")
    exported = json.loads((folder / "pools.json").read_text())
    assert exported["small"] == {"slots": 3, "description": "for dear things", "include_deferred": True}
    flowcore("pools", "delete", "small")
    assert flowcore("pools", "import", "pools.json").stdout == "2 pools are imported\n"
    assert "for dear things" in flowcore("pools", "list").stdout


@pytest.mark.parametrize("document", ["[1]", '{"small": 3}', '{"a": {"slots": 1}, "b": {"slots": "many"}}'])
def test_a_file_with_a_mistake_changes_nothing(flowcore: Flowcore, folder: Path, document: str) -> None:
    (folder / "pools.json").write_text(document)
    assert "write it as" in error_of(flowcore("pools", "import", "pools.json"))
    assert "small" not in (listed := flowcore("pools", "list").stdout)
    assert "default_pool" in listed
