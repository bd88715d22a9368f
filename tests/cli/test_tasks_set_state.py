from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _ran(flowcore: Flowcore, etl_file: Path) -> None:
    """`etl` has the run `first`, which has ended."""
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "first")
    flowcore("scheduler", "--until-idle")


def states(flowcore: Flowcore) -> dict[str, str]:
    rows = json.loads(flowcore("tasks", "states-for-dag-run", "etl", "first", "-o", "json").stdout)
    return {row["task_id"]: row["state"] for row in rows}


def test_a_task_is_marked(flowcore: Flowcore) -> None:
    result = flowcore("tasks", "set-state", "etl", "first", "load", "failed")
    assert "success" in result.stdout
    assert states(flowcore) == {"extract": "success", "load": "failed"}


def test_a_task_is_marked_with_what_comes_after_it(flowcore: Flowcore) -> None:
    flowcore("tasks", "set-state", "etl", "first", "extract", "skipped", "--downstream")
    assert states(flowcore) == {"extract": "skipped", "load": "skipped"}


def test_a_dry_run_marks_nothing(flowcore: Flowcore) -> None:
    flowcore("tasks", "set-state", "etl", "first", "load", "failed", "--dry-run")
    assert states(flowcore) == {"extract": "success", "load": "success"}


def test_an_unknown_task_is_named(flowcore: Flowcore) -> None:
    shown = error_of(flowcore("tasks", "set-state", "etl", "first", "lad", "failed"))
    assert shown == "error: Dag 'etl' has no task 'lad'; see `flowcore tasks list etl`"
