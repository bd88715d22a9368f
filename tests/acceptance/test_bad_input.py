"""Bad input gives one clear line with its remedy and exit status 2, and disturbs nothing else."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from flowcore.database.schema import HEAD
from tests.acceptance.commands import error_of, flowcore, flowcore_here, started, wait_for_line

GOOD = """
from flowcore.sdk import dag, task

@dag
def good():
    @task
    def greet():
        return "hello"

    greet()

good()
"""
CYCLE = """
from flowcore.sdk import DAG, task

with DAG("d"):
    @task
    def a(): ...

    @task
    def b(): ...

    first, second = a(), b()
    first >> second >> first
"""
TWICE = """
from flowcore.sdk import DAG, BaseOperator

class Nothing(BaseOperator):
    def execute(self, context): ...

with DAG("d"):
    Nothing(task_id="a")
    Nothing(task_id="a")
"""
BAD_FILES = {
    "imports what is not there": (
        "import no_module",
        "ModuleNotFoundError: No module named 'no_module'; install",
    ),
    "is no Python": ("def (", ":1: SyntaxError: invalid syntax; mend the file"),
    "raises": ("1 / 0", ":1: ZeroDivisionError: division by zero; mend the file"),
    "ends the interpreter": ("raise SystemExit(0)", ":1: SystemExit"),
    "makes no Dag": ("x = 1", "bad.py makes no Dag; define one with"),
    "has a cycle": (CYCLE, "has a cycle: a → b → a; remove one of these dependencies"),
    "has a task id twice": (TWICE, "has two tasks called 'a'; give one of them another task_id"),
}

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Has a good Dag in `dags`."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "good.py").write_text(GOOD)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("program", "complaint"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_dag_file_that_cannot_be_used(program: str, complaint: str, folder: Path) -> None:
    (folder / "bad.py").write_text(program)
    assert complaint in error_of(flowcore(folder, "run", "bad.py"))


@pytest.mark.slow
def test_a_dag_file_that_is_not_there(folder: Path) -> None:
    shown = error_of(flowcore(folder, "run", "absent.py"))
    assert shown.endswith(
        "absent.py cannot be read: No such file or directory; check the path and its permissions"
    )


@pytest.mark.slow
def test_bad_files_in_the_folder_leave_the_others_alone(folder: Path) -> None:
    for number, (program, _) in enumerate(BAD_FILES.values()):
        (folder / "dags" / f"bad{number}.py").write_text(program)
    flowcore_here(folder, "db", "migrate")
    flowcore_here(folder, "dags", "trigger", "good", "--run-id", "mine", "--dags-folder", f"{folder}/dags")
    assert flowcore(folder, "scheduler", "--until-idle").returncode == 0
    assert '"state": "success"' in flowcore_here(folder, "dags", "list-runs", "good", "-o", "json")


AWAY = "postgresql://me:secret@127.0.0.1:1/db"
BAD_URLS = {
    "flow.db": "the database URL cannot be understood; write it like",
    "oracle://host/db": "databases of kind 'oracle' are not supported; use",
    "sqlite:////absent/flow.db": "the folder /absent does not exist; create it",
    "sqlite:////proc/flow.db": "/proc",  # where not even root may write
    AWAY: "cannot be reached",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "url"),
    # Each URL with one command, and each command with one URL: they have one way to open a database.
    [
        *(("scheduler", url) for url in BAD_URLS),
        *((command, AWAY) for command in ("run", "dags list", "db migrate")),
    ],
)
def test_a_database_that_cannot_be_used(command: str, url: str, folder: Path) -> None:
    file = ["dags/good.py"] if command == "run" else []
    shown = error_of(flowcore(folder, *command.split(), *file, "--database-url", url))
    assert BAD_URLS[url] in shown
    assert "secret" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "scheduler", "dags list", "dags trigger", "db check"])
def test_a_database_that_is_out_of_date(command: str, folder: Path) -> None:
    flowcore_here(folder, "db", "migrate")
    with sqlite3.connect(folder / "flowcore.db") as raw:
        raw.execute("UPDATE flowcore_schema SET version_num = '0000'")
    raw.close()
    argument = {"run": ["dags/good.py"], "dags trigger": ["good"]}.get(command, [])
    shown = error_of(
        flowcore(folder, *command.split(), *argument, "--database-url", f"sqlite:///{folder}/flowcore.db")
    )
    assert shown.endswith(f"has schema 0000 and this version needs {HEAD}; run `flowcore db migrate`")


@pytest.mark.slow
@needs_permissions
def test_a_folder_that_is_not_writable(folder: Path) -> None:
    (folder / "locked").mkdir(mode=0o500)
    shown = error_of(flowcore(folder, "db", "migrate", "--database-url", "sqlite:///locked/flow.db"))
    assert "locked is not writable; give this user access" in shown


@pytest.mark.slow
def test_a_second_scheduler_on_one_sqlite_file(folder: Path) -> None:
    with started(folder, "scheduler") as first:
        wait_for_line(first, "Dags of")
        shown = error_of(flowcore(folder, "scheduler"))
        assert "scheduler" in shown
        assert first.poll() is None
