from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import ETL, Flowcore, error_of

DATES = ("--dag-id", "etl", "--from-date", "2026-02-01", "--to-date", "2026-02-03")


@pytest.fixture(autouse=True)
def _registered(flowcore: Flowcore, etl_file: Path) -> None:
    """`etl` runs daily, and is known."""
    etl_file.write_text(ETL.replace("@dag(", "@dag(schedule='@daily', "))
    flowcore("db", "migrate")
    flowcore("dags", "trigger", "etl", "--run-id", "first", "--logical-date", "2026-02-02")
    flowcore("dags", "pause", "etl")


def rows_of(flowcore: Flowcore, *arguments: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(flowcore("backfill", *arguments, "-o", "json").stdout)
    return rows


def test_a_backfill_says_what_it_does_about_each_date(flowcore: Flowcore) -> None:
    rows = rows_of(flowcore, "create", *DATES, "--run-backwards")
    assert [(row["logical_date"], row["action"]) for row in rows] == [
        ("2026-02-03T00:00:00+00:00", "create"),
        ("2026-02-02T00:00:00+00:00", "in flight"),
        ("2026-02-01T00:00:00+00:00", "create"),
    ]
    [listed] = rows_of(flowcore, "list", "--dag-id", "etl")
    assert (listed["id"], listed["runs"], listed["run_backwards"]) == (1, "2 runs, 2 queued", True)


def test_a_dry_run_creates_nothing(flowcore: Flowcore) -> None:
    assert len(rows_of(flowcore, "create", *DATES, "--dry-run")) == 3
    assert rows_of(flowcore, "list") == []


def test_a_scheduler_carries_it_out(flowcore: Flowcore) -> None:
    flowcore("backfill", "create", *DATES, "--dag-run-conf", '{"greeting": "hi"}')
    flowcore("dags", "unpause", "etl")
    flowcore("scheduler", "--until-idle")
    [listed] = rows_of(flowcore, "list")
    assert listed["runs"] == "2 runs, 2 success"


def test_a_backfill_is_paused_unpaused_and_cancelled(flowcore: Flowcore) -> None:
    flowcore("backfill", "create", *DATES)
    assert flowcore("backfill", "pause", "1").stdout == "backfill 1 is paused\n"
    assert rows_of(flowcore, "list")[0]["is_paused"] is True
    assert flowcore("backfill", "unpause", "1").stdout == "backfill 1 is no longer paused\n"
    assert flowcore("backfill", "cancel", "1").stdout == "backfill 1 is cancelled\n"
    assert rows_of(flowcore, "list")[0]["runs"] == "2 runs, 2 failed"


@pytest.mark.parametrize("command", ["pause", "unpause", "cancel"])
def test_an_unknown_backfill_is_an_error(command: str, flowcore: Flowcore) -> None:
    shown = error_of(flowcore("backfill", command, "9"))
    assert shown == "error: there is no backfill 9; see `flowcore backfill list`"


def test_dates_are_required(flowcore: Flowcore) -> None:
    result = flowcore("backfill", "create", "--dag-id", "etl")
    assert result.exit_code == 2
    assert "--from-date" in result.stderr
