from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _ran(flowcore: Flowcore, etl_file: Path) -> None:
    """`etl` has the run `first`, which has ended."""
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "first", "--logical-date", "2026-03-01")
    flowcore("scheduler", "--until-idle")


def rows_of(flowcore: Flowcore, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(flowcore(*arguments, "-o", "json").stdout)
    return rows


def run_state(flowcore: Flowcore) -> object:
    [row] = rows_of(flowcore, "dags", "list-runs", "etl")
    return row["state"]


def test_a_run_is_cleared_when_that_is_confirmed(flowcore: Flowcore) -> None:
    result = flowcore("dags", "clear", "etl", "--run-id", "first", stdin="y\n")
    assert "Clear 2 task instances of 1 run?" in result.stderr
    assert "extract" in result.stdout
    assert run_state(flowcore) == "queued"


def test_nothing_is_cleared_without_consent(flowcore: Flowcore) -> None:
    assert flowcore("dags", "clear", "etl", stdin="n\n").exit_code == 1
    assert run_state(flowcore) == "success"


def test_runs_are_cleared_by_date(flowcore: Flowcore) -> None:
    assert rows_of(flowcore, "dags", "clear", "etl", "-y", "-s", "2026-03-02") == []
    rows = rows_of(flowcore, "dags", "clear", "etl", "-y", "-s", "2026-03-01", "-e", "2026-03-01")
    assert [(row["run_id"], row["task_id"], row["was"]) for row in rows] == [
        ("first", "extract", "success"),
        ("first", "load", "success"),
    ]


def test_a_run_is_marked(flowcore: Flowcore) -> None:
    flowcore("dags", "clear", "etl", "-y")
    flowcore("dags", "set-run-state", "etl", "first", "failed")
    assert run_state(flowcore) == "failed"


def test_a_run_is_deleted(flowcore: Flowcore) -> None:
    assert flowcore("dags", "delete-run", "etl", "first").stdout == "run first of etl is deleted\n"
    assert rows_of(flowcore, "dags", "list-runs", "etl") == []


def test_a_dag_is_deleted_when_that_is_confirmed(flowcore: Flowcore) -> None:
    result = flowcore("dags", "delete", "etl", stdin="y\n")
    assert "Delete Dag etl and 1 run?" in result.stderr
    assert result.stdout.endswith("etl is deleted, with 1 run\n")
    assert rows_of(flowcore, "dags", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("clear", "etl", "-y", "--run-id", "absent"),
        ("set-run-state", "etl", "absent", "failed"),
        ("delete-run", "etl", "absent"),
    ],
)
def test_a_run_that_is_not_there_is_named(arguments: tuple[str, ...], flowcore: Flowcore) -> None:
    assert "Dag 'etl' has no run 'absent'" in error_of(flowcore("dags", *arguments))
