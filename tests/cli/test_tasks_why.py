from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.fixture(autouse=True)
def _triggered(flowcore: Flowcore, etl_file: Path) -> None:
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "mine")


def test_a_sentence_says_why_and_a_table_how_long(flowcore: Flowcore) -> None:
    first, *_, last = flowcore("tasks", "why", "etl", "mine", "load").stdout.splitlines()
    assert first == "load: no scheduler is alive; start one with `flowcore scheduler`"
    assert last.endswith("s  the run waited to start, so far")


def test_programs_read_codes(flowcore: Flowcore) -> None:
    told = json.loads(flowcore("tasks", "why", "etl", "mine", "load", "-o", "json").stdout)
    assert [reason["code"] for reason in told["reasons"]] == ["no_scheduler", "run_about_to_start"]
    assert [(one["phase"], one["is_over"]) for one in told["time_spent"]] == [("run_waited", False)]


def test_an_unknown_task_is_refused(flowcore: Flowcore) -> None:
    assert "has no task 'absent'" in error_of(flowcore("tasks", "why", "etl", "mine", "absent"))
