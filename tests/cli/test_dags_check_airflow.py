from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore

RUNS = "from airflow.decorators import dag, task\n@dag\ndef runs():\n @task\n def f(): ...\n f()\nruns()\n"
NEEDS = "from airflow.sdk import DAG, Nope\nfrom airflow.providers.sftp.hooks import SFTPHook\n"
BROKEN = "from airflow.sdk import DAG\nDAG('a b')\n"


def check(flowcore: Flowcore, place: Path) -> tuple[int, list[tuple[str, str, int | None]]]:
    result = flowcore("dags", "check-airflow", str(place), "-o", "json")
    rows = json.loads(result.stdout)
    return result.exit_code, [(row["file"], row["verdict"], row["line"]) for row in rows]


@pytest.mark.parametrize(
    ("text", "exit_code", "findings"),
    [
        (RUNS, 0, [("yes", None)]),
        (NEEDS, 1, [("no", 1), ("no", 2)]),
        (BROKEN, 1, [("no", None)]),
        ("x = 1\n", 0, [("no Dag", None)]),
        ("def", 1, [("no", None)]),
    ],
)
def test_each_file_is_told_about(
    flowcore: Flowcore, folder: Path, text: str, exit_code: int, findings: list[tuple[str, int | None]]
) -> None:
    (folder / "dags" / "file.py").write_text(text)
    expected = [("file.py", *finding) for finding in findings]
    assert check(flowcore, folder / "dags") == (exit_code, expected)


def test_one_file_can_be_checked(flowcore: Flowcore, folder: Path) -> None:
    path = folder / "dags" / "file.py"
    path.write_text(RUNS)
    assert check(flowcore, path) == (0, [(str(path), "yes", None)])


def test_what_is_missing_is_named_with_a_remedy(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "file.py").write_text(NEEDS)
    printed = flowcore("dags", "check-airflow", str(folder / "dags")).stdout
    assert "flowcore does not have airflow.sdk.Nope; `docs/how-to/move-from-airflow.md` says" in printed
