"""A folder with Dag files, a database, and schedulers on it as processes of their own.

Tasks of the Dags write a line into the file `marks` when they begin and when they end, and those that
wait do so until the file `go` exists: so a test decides when they end, and counts what was executed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import sqlalchemy as sa
from click.testing import CliRunner

from flowcore.cli.root import root
from tests.acceptance.scheduler_process import FAMILY, Scheduler, wait_until

PREAMBLE = """
import os, time
from pathlib import Path

import anyio
from flowcore.sdk import dag, get_current_context, task

HERE = Path(__file__).parents[1]
GO = HERE / "go"

def mark(word):
    context = get_current_context()
    with (HERE / "marks").open("a") as file:
        file.write(f"{word} {context['run_id']}.{context['ti'].task_id} {os.getpid()}\\n")

"""


@attrs.frozen
class Installation:
    """One database and one Dag folder."""

    folder: Path
    database_url: str
    backend: str = "asyncio"
    environment: dict[str, str] = attrs.field(factory=dict)

    def write_dag(self, body: str) -> None:
        (self.folder / "dags").mkdir(exist_ok=True)
        (self.folder / "dags" / "work.py").write_text(PREAMBLE + body)

    def command(self, *arguments: str) -> str:
        """Run another command in this process, which is another one than the scheduler's; what it printed."""
        folders = ["--dags-folder", str(self.folder / "dags")] if arguments[0] == "dags" else []
        database = [] if arguments[:2] == ("tasks", "logs") else ["--database-url", self.database_url]
        logs = ["--logs-folder", str(self.folder / "logs")] if arguments[:2] == ("tasks", "logs") else []
        given = [*arguments, *database, *folders, *logs]
        done = CliRunner().invoke(root, given, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def trigger(self, dag_id: str, run_id: str) -> None:
        self.command("dags", "trigger", dag_id, "--run-id", run_id)

    @contextmanager
    def scheduler(self, *options: str) -> Iterator[Scheduler]:
        """Run a scheduler; one that is left at the end of the block is killed."""
        with self.started_scheduler(*options) as scheduler:
            scheduler.wait_until_ready()
            yield scheduler

    @contextmanager
    def started_scheduler(self, *options: str) -> Iterator[Scheduler]:
        """The same, and do not wait until it is ready."""
        number = len(list(self.folder.glob("scheduler-*.log")))
        log = self.folder / f"scheduler-{number}.log"
        given = ["--database-url", self.database_url, "--backend", self.backend, *options]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "flowcore.cli", "scheduler", *given],
                cwd=self.folder,
                env={**os.environ, **self.environment, FAMILY: str(log)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield Scheduler(process, log)
        finally:
            process.kill()
            process.wait()

    def go(self) -> None:
        """Let the tasks end that wait."""
        (self.folder / "go").touch()

    def marks(self, word: str) -> list[str]:
        """What was marked with the word, as `run.task`; sorted."""
        return sorted(where for said, where, _ in self._marks() if said == word)

    def workers(self) -> set[str]:
        """The processes that executed something."""
        return {pid for _, _, pid in self._marks()}

    def wait_for_marks(self, word: str, count: int) -> None:
        wait_until(lambda: len(self.marks(word)) >= count, f"{count} times {word}")

    def wait_for_run(self, run_id: str) -> str:
        """Wait until the run has ended; its state."""
        wait_until(lambda: self.run_state(run_id) in ("success", "failed"), f"the end of {run_id}")
        return self.run_state(run_id)

    def log_of(self, run_id: str, task_id: str) -> str:
        """What the last try of a task has logged."""
        return self.command("tasks", "logs", "work", run_id, task_id)

    def run_state(self, run_id: str) -> str:
        [(state,)] = self.rows("SELECT state FROM dag_run WHERE run_id = :run_id", run_id=run_id)
        return str(state)

    def active(self) -> list[str]:
        """The tasks whose tries somebody holds."""
        return self._tasks("state IN ('queued', 'running')")

    def running(self) -> list[str]:
        """The tasks whose tries are known to have started."""
        return self._tasks("state = 'running'")

    def rows(self, query: str, **values: object) -> Sequence[Sequence[Any]]:
        """What a query finds, over a connection of its own."""
        engine = sa.create_engine(self.database_url.replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.connect() as connection:
                return connection.execute(sa.text(query), values).all()
        finally:
            engine.dispose()

    def _tasks(self, condition: str) -> list[str]:
        found = self.rows(f"SELECT task_id FROM task_instance WHERE {condition} ORDER BY task_id")
        return [task for (task,) in found]

    def _marks(self) -> list[list[str]]:
        path = self.folder / "marks"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []
