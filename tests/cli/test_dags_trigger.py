from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _migrated(flowcore: Flowcore, etl_file: Path) -> None:
    flowcore("db", "migrate")


def test_a_dag_is_triggered_from_its_file_before_any_scheduler_saw_it(flowcore: Flowcore) -> None:
    result = flowcore("dags", "trigger", "etl", "--run-id", "mine", "-o", "json")
    assert json.loads(result.stdout) == [{"dag_id": "etl", "run_id": "mine", "state": "queued"}]


def test_a_run_is_named_after_its_time(flowcore: Flowcore) -> None:
    result = flowcore("dags", "trigger", "etl", "-l", "2026-03-01T06:00:00+01:00", "-o", "json")
    assert json.loads(result.stdout)[0]["run_id"] == "manual__2026-03-01T06:00:00+01:00"


def test_a_run_id_is_taken_once(flowcore: Flowcore) -> None:
    flowcore("dags", "trigger", "etl", "--run-id", "mine")
    shown = error_of(flowcore("dags", "trigger", "etl", "--run-id", "mine"))
    assert "'mine'" in shown
    assert shown.endswith("choose another run_id and logical_date")


def test_a_file_that_cannot_be_imported_is_reported_and_passed_over(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "broken.py").write_text("import no_such_module  # for a flowcore Dag")
    result = flowcore("dags", "trigger", "etl")
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {folder}/dags/broken.py:1: ModuleNotFoundError")


def test_conf_must_be_json(flowcore: Flowcore) -> None:
    assert error_of(flowcore("dags", "trigger", "etl", "--conf", "{")).startswith("error: --conf is no JSON")


def test_a_logical_date_must_be_a_time(flowcore: Flowcore) -> None:
    result = flowcore("dags", "trigger", "etl", "--logical-date", "yesterday")
    assert result.exit_code == 2
    assert "yesterday is no time; write it like 2026-03-01T06:00:00" in result.stderr


def test_the_database_must_be_there(flowcore: Flowcore) -> None:
    shown = error_of(flowcore("dags", "trigger", "etl", "--database-url", "sqlite:///other.db"))
    assert shown.endswith("other.db yet; run `flowcore db migrate`")
