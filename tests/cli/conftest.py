"""The command line in this process, in an empty folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flowcore.cli.root import root

Flowcore = Callable[..., Result]

ETL = """
from flowcore.sdk import dag, task


@dag(params={"greeting": "hello"}, description="Moves data", tags=["demo"])
def etl():
    @task(retries=2)
    def extract():
        return [1, 2, 3]

    @task
    async def load(values):
        return len(values)

    load(extract())


etl()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; `dags` in it is where Dag files are looked for."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dags").mkdir()
    return tmp_path


@pytest.fixture
def flowcore(folder: Path) -> Flowcore:
    """Call it with the arguments of a command line."""

    def call(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(root, arguments, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


@pytest.fixture
def etl_file(folder: Path) -> Path:
    """A Dag file in the folder."""
    path = folder / "dags" / "etl.py"
    path.write_text(ETL)
    return path


def error_of(result: Result) -> str:
    """The one line that tells what was wrong with the input."""
    assert result.exit_code == 2
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    return line
