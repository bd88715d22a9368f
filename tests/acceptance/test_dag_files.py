"""Dag files that come, change, go and misbehave while a scheduler runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation
from tests.acceptance.scheduler_process import wait_until

pytestmark = pytest.mark.slow

VERSION = """
@dag
def work():
    @task
    async def say():
        mark("begin")
        while {waits} and not GO.exists():
            await anyio.sleep(0.02)
        mark({word!r})

    say()

work()
"""
HANGS = "# a flowcore Dag\nimport os, time\nos.fork()\ntime.sleep(1000)\n"
PRINTS = "# a flowcore Dag\nimport sys\nfor _ in range(100): print('x' * 1_000_000)\nraise SystemExit\n"


def write(installation: Installation, name: str, text: str) -> None:
    folder = installation.folder / "dags"
    folder.mkdir(exist_ok=True)
    (folder / "new").write_text(text)
    os.replace(folder / "new", folder / name)


def is_active(installation: Installation) -> bool:
    [(active,)] = installation.rows("SELECT is_active FROM dag")
    return bool(active)


def versions(installation: Installation) -> int:
    return len(installation.rows("SELECT id FROM dag_version"))


def test_an_edit_while_the_scheduler_runs_is_for_new_runs_only(installation: Installation) -> None:
    installation.write_dag(VERSION.format(waits=True, word="old"))
    with installation.scheduler():
        installation.trigger("work", "first")
        installation.wait_for_marks("begin", 1)
        installation.write_dag(VERSION.format(waits=False, word="new"))
        wait_until(lambda: versions(installation) == 2, "the new version")
        installation.trigger("work", "second")
        assert installation.wait_for_run("second") == "success"
        installation.go()
        assert installation.wait_for_run("first") == "success"
    assert (installation.marks("old"), installation.marks("new")) == (["first.say"], ["second.say"])


def test_a_file_that_is_deleted_and_put_back(installation: Installation) -> None:
    installation.write_dag(VERSION.format(waits=True, word="end"))
    path = installation.folder / "dags" / "work.py"
    with installation.scheduler():
        installation.trigger("work", "first")
        installation.wait_for_marks("begin", 1)
        path.rename(installation.folder / "away.py")
        wait_until(lambda: not is_active(installation), "the end of the Dag")
        # What runs goes on.
        installation.go()
        assert installation.wait_for_run("first") == "success"
        (installation.folder / "away.py").rename(path)
        wait_until(lambda: is_active(installation), "the return of the Dag")
        installation.trigger("work", "second")
        assert installation.wait_for_run("second") == "success"


def failures_of(installation: Installation) -> dict[str, str]:
    return dict(installation.rows("SELECT fileloc, message FROM import_error"))


def test_files_that_misbehave_are_listed_and_harm_nothing(installation: Installation) -> None:
    installation.environment["FLOWCORE_DAG_FILE_TIMEOUT_S"] = "8"
    write(installation, "a_hangs.py", HANGS)
    write(installation, "b_prints.py", PRINTS)
    installation.write_dag(VERSION.format(waits=False, word="end"))
    with installation.scheduler() as scheduler:
        installation.trigger("work", "first")
        assert installation.wait_for_run("first") == "success"
        wait_until(lambda: len(failures_of(installation)) == 2, "two failures")
        failures = failures_of(installation)
        assert "it took too long to import" in failures[str(installation.folder / "dags" / "a_hangs.py")]
        assert "SystemExit" in failures[str(installation.folder / "dags" / "b_prints.py")]
        assert scheduler.log.stat().st_size < 100_000


@contextmanager
def dag_processor(installation: Installation) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "flowcore.cli", "dag-processor", "--backend", installation.backend]
    process = subprocess.Popen(
        [*command, "--database-url", installation.database_url],
        cwd=installation.folder,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.postgres
def test_files_can_be_read_by_a_process_of_its_own(tmp_path: Path, postgres_url: str, loop: str) -> None:
    installation = Installation(tmp_path, postgres_url, loop)
    installation.command("db", "migrate")
    with installation.scheduler("--no-dag-processor") as scheduler:
        with dag_processor(installation) as processor:
            installation.write_dag(VERSION.format(waits=False, word="end"))
            wait_until(lambda: versions(installation) == 1, "the first version")
            installation.trigger("work", "first")
            assert installation.wait_for_run("first") == "success"
            processor.terminate()
            assert processor.wait(60) == 0
        assert scheduler.process.poll() is None
