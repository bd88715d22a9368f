from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of

LATER = ("db", "clean", "--clean-before-timestamp", "2999-01-01")


@pytest.fixture(autouse=True)
def _ended(flowcore: Flowcore, etl_file: Path) -> None:
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "mine")
    flowcore("dags", "set-run-state", "etl", "mine", "failed")


def test_a_dry_run_only_counts(flowcore: Flowcore) -> None:
    for _ in range(2):
        counts = json.loads(flowcore(*LATER, "--dry-run", "-o", "json").stdout)
        assert {"table": "dag_run", "rows": 1} in counts


def test_it_asks_before_it_deletes(flowcore: Flowcore) -> None:
    result = flowcore(*LATER, "--skip-archive", stdin="n\n")
    assert "Delete 1 run with all that belongs to them? [y/N]" in result.stderr
    assert flowcore(*LATER, "--skip-archive", "--yes").stdout.splitlines()[2].split() == ["dag_run", "1"]
    assert flowcore("dags", "list-runs", "etl").stdout == ""


def test_rows_are_kept_in_a_folder(flowcore: Flowcore, folder: Path) -> None:
    flowcore(*LATER, "--archive", "old", "--yes")
    assert (folder / "old" / "dag_run.jsonl.gz").is_file()


def test_dags_can_be_left_out(flowcore: Flowcore) -> None:
    assert (
        flowcore(*LATER, "--skip-archive", "--yes", "--exclude-dag-ids", "etl, x").stderr == "nothing found\n"
    )


@pytest.mark.parametrize("given", [(), ("--archive", "old", "--skip-archive")], ids=str)
def test_it_has_to_be_said_what_becomes_of_the_rows(flowcore: Flowcore, given: tuple[str, ...]) -> None:
    assert "either --archive FOLDER or --skip-archive" in error_of(flowcore(*LATER, *given))
