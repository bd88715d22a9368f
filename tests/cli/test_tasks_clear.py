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


def cleared(flowcore: Flowcore, *arguments: str) -> list[str]:
    rows = json.loads(flowcore("tasks", "clear", "etl", "-o", "json", *arguments).stdout)
    return [row["task_id"] for row in rows]


def states(flowcore: Flowcore) -> dict[str, str]:
    rows = json.loads(flowcore("tasks", "states-for-dag-run", "etl", "first", "-o", "json").stdout)
    return {row["task_id"]: row["state"] for row in rows}


@pytest.mark.parametrize(
    ("arguments", "tasks"),
    [
        (("-t", "extract"), ["extract"]),
        (("-t", "extract", "-d"), ["extract", "load"]),
        (("-t", "load", "-u"), ["extract", "load"]),
        (("--run-id", "first"), ["extract", "load"]),
        (("-e", "2026-02-28"), []),
        (("-f",), []),
        (("-r",), []),
    ],
)
def test_tasks_are_chosen_as_in_airflow(
    arguments: tuple[str, ...], tasks: list[str], flowcore: Flowcore
) -> None:
    assert cleared(flowcore, "-n", *arguments) == tasks
    assert states(flowcore) == {"extract": "success", "load": "success"}


def test_tasks_that_were_cleared_run_again(flowcore: Flowcore) -> None:
    assert cleared(flowcore, "-y", "-t", "load") == ["load"]
    assert states(flowcore) == {"extract": "success", "load": None}
    flowcore("scheduler", "--until-idle")
    assert states(flowcore) == {"extract": "success", "load": "success"}


def test_a_pattern_that_no_task_matches_is_an_error(flowcore: Flowcore) -> None:
    shown = error_of(flowcore("tasks", "clear", "etl", "-y", "-t", "lad"))
    assert shown == "error: Dag 'etl' has no task 'lad'; see `flowcore tasks list etl`"
