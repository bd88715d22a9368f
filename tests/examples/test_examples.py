"""The examples do what they say: each runs as its user would run it, on both event loops."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("backend", ["asyncio", "trio"])]


def python(folder: Path, *arguments: str | Path) -> str:
    """Run Python in an empty folder, with warnings as errors; what it printed."""
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=250)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flowcore_run(folder: Path, file: str, *options: str) -> dict[str, Any]:
    """Run a Dag file to its end; its task instances by task."""
    shown = python(folder, "-m", "flowcore.cli", "run", EXAMPLES / file, *options, "--json")
    return {item["task_id"]: item for item in json.loads(shown)["task_instances"]}


def test_hello_greets(tmp_path, backend):
    found = flowcore_run(tmp_path, "hello/hello.py", "--backend", backend)
    assert found["greet"]["xcom"] == "Hello, world!"


def test_etl_reports_each_month_and_retries_the_flaky_task(tmp_path, backend):
    options = ["--param", "report_path=report.txt", "--backend", backend]
    found = flowcore_run(tmp_path, "etl/etl.py", *options)
    assert found["year"]["xcom"]["hours"] == 8759
    assert (found["publish"]["try_number"], found["publish"]["state"]) == (2, "success")
    lines = (tmp_path / "report.txt").read_text().splitlines()
    assert lines[0] == "Seattle, 8759 hours, 11.1 °C on average"
    assert lines[-1] == "coldest: december, warmest: august"
    assert len(lines) == 14


def test_http_requests_are_all_under_way_at_once(tmp_path, backend):
    # The server answers nobody before all requests are there.
    found = flowcore_run(tmp_path, "http_requests/http_requests.py", "--backend", backend)
    assert found["report"]["xcom"] == "300 of 300 requests were answered"


def test_embedded_scheduler_runs_a_dag(tmp_path, backend):
    shown = python(tmp_path, EXAMPLES / "embedded/embedded.py", backend)
    assert shown.splitlines()[-2].endswith("the run is success")
    assert shown.splitlines()[-1] == "the sum is 285"
