"""The commands together, as processes: what one leaves behind another one finds."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.commands import flowcore, flowcore_here, started, wait_for_line
from tests.acceptance.scheduler_process import wait_until

ECHO = """
from flowcore.sdk import dag, get_current_context, task

@dag
def echo():
    @task
    def say():
        return get_current_context()["dag_run"].conf["word"]

    say()

echo()
"""
SLEEPER = """
import time
from flowcore.sdk import dag, task

@dag
def sleeper():
    @task
    def sleep():
        time.sleep(1000)

    sleep()

sleeper()
"""


def states_of(folder: Path, dag_id: str, run_id: str) -> dict[str, str]:
    shown = flowcore_here(folder, "tasks", "states-for-dag-run", dag_id, run_id, "-o", "json")
    return {row["task_id"]: row["state"] for row in json.loads(shown)}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_run_triggered_from_another_process_ends(backend: str, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "echo.py").write_text(ECHO)
    with started(tmp_path, "scheduler", "--backend", backend) as scheduler:
        wait_for_line(scheduler, "1 Dags of")
        flowcore(tmp_path, "dags", "trigger", "echo", "--run-id", "mine", "--conf", '{"word": "hi"}')
        wait_until(lambda: states_of(tmp_path, "echo", "mine") == {"say": "success"}, "the end of the run")
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_scheduler_without_runs_is_idle_at_once(backend: str, tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "echo.py").write_text(ECHO)
    assert flowcore(tmp_path, "scheduler", "--until-idle", "--backend", backend).returncode == 0
    [dag] = json.loads(flowcore(tmp_path, "dags", "list", "-o", "json").stdout)
    assert dag["fileloc"] == str(tmp_path / "dags" / "echo.py")


@pytest.mark.slow
def test_standalone_sets_everything_up(tmp_path: Path) -> None:
    with started(tmp_path, "standalone") as standalone:
        wait_for_line(standalone, "0 Dags of")
        assert flowcore(tmp_path, "db", "check").returncode == 0
        assert (tmp_path / "dags").is_dir()
        standalone.send_signal(signal.SIGTERM)
        assert standalone.wait(60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_ends_although_a_function_goes_on(
    backend: str, signum: signal.Signals, status: int, tmp_path: Path
) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    with started(tmp_path, "run", "sleeper.py", "--backend", backend) as run:
        wait_for_line(run, "sleep: running")
        run.send_signal(signum)
        wait_for_line(run, f"error: interrupted by {signum.name}")
        assert run.wait(60) == status


@pytest.mark.slow
def test_the_json_outcome_is_all_of_standard_output(tmp_path: Path) -> None:
    (tmp_path / "echo.py").write_text("print('loading')\n" + ECHO)
    done = flowcore(tmp_path, "run", "echo.py", "--json", "--conf", '{"word": "hi"}')
    assert done.returncode == 0
    assert json.loads(done.stdout)["task_instances"][0]["xcom"] == "hi"
    assert "loading" in done.stderr
