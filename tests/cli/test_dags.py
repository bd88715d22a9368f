from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _migrated(flowcore: Flowcore) -> None:
    flowcore("db", "migrate")


@pytest.fixture
def _triggered(flowcore: Flowcore, etl_file: Path) -> None:
    """`etl` is registered and has the run `first`."""
    flowcore("dags", "trigger", "etl", "--run-id", "first", "--logical-date", "2026-03-01")


def rows_of(flowcore: Flowcore, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(flowcore(*arguments, "-o", "json").stdout)
    return rows


def test_without_dags_the_list_is_empty(flowcore: Flowcore) -> None:
    assert rows_of(flowcore, "dags", "list") == []
    assert flowcore("dags", "list").stderr == "nothing found\n"


@pytest.mark.usefixtures("_triggered")
def test_dags_are_listed(flowcore: Flowcore, etl_file: Path) -> None:
    [row] = rows_of(flowcore, "dags", "list")
    assert (row["dag_id"], row["fileloc"], row["is_paused"]) == ("etl", str(etl_file), False)
    assert "etl" in flowcore("dags", "list").stdout


@pytest.mark.usefixtures("_triggered")
def test_runs_are_listed(flowcore: Flowcore) -> None:
    [row] = rows_of(flowcore, "dags", "list-runs", "etl")
    assert (row["run_id"], row["state"], row["logical_date"]) == (
        "first",
        "queued",
        "2026-03-01T00:00:00+00:00",
    )


@pytest.mark.usefixtures("_triggered")
def test_a_dag_is_paused_and_unpaused(flowcore: Flowcore) -> None:
    assert flowcore("dags", "pause", "etl").stdout == "etl is paused\n"
    assert rows_of(flowcore, "dags", "list")[0]["is_paused"] is True
    assert flowcore("dags", "unpause", "etl").stdout == "etl is no longer paused\n"
    assert rows_of(flowcore, "dags", "list")[0]["is_paused"] is False


@pytest.mark.usefixtures("_triggered")
def test_a_dag_without_schedule_has_no_next_execution(flowcore: Flowcore) -> None:
    [row] = rows_of(flowcore, "dags", "next-execution", "etl")
    assert row["dag_id"] == "etl"
    assert row["run_after"] is None


def test_import_errors_are_listed(flowcore: Flowcore) -> None:
    assert rows_of(flowcore, "dags", "list-import-errors") == []


@pytest.mark.parametrize("command", ["pause", "unpause", "list-runs", "next-execution", "show", "trigger"])
@pytest.mark.usefixtures("_triggered")
def test_an_unknown_dag_is_named_beside_the_known(command: str, flowcore: Flowcore) -> None:
    shown = error_of(flowcore("dags", command, "elt"))
    assert shown == "error: there is no Dag 'elt'; known: etl"


@pytest.mark.usefixtures("etl_file")
def test_a_dag_is_shown_before_any_scheduler_saw_it(flowcore: Flowcore) -> None:
    result = flowcore("dags", "show", "etl")
    assert "Moves data" in result.stdout
    assert [line.split()[:2] for line in result.stdout.splitlines()[-2:]] == [
        ["extract", "all_success"],
        ["load", "extract"],
    ]


@pytest.mark.usefixtures("etl_file")
def test_a_dag_is_shown_as_json(flowcore: Flowcore) -> None:
    document = json.loads(flowcore("dags", "show", "etl", "-o", "json").stdout)
    assert [task["task_id"] for task in document["tasks"]] == ["extract", "load"]


def test_a_table_shows_the_columns_by_name(flowcore: Flowcore) -> None:
    header = flowcore("config", "list").stdout.splitlines()[0]
    assert header.split() == ["option", "value", "source"]
