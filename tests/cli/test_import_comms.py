from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore

FILE = """
import anyio, threading
from flowcore.sdk import DAG, Variable, task
from flowcore.sdk.log import mask_secret

mask_secret("a secret of the file")

async def look():
    return Variable.get("names", deserialize_json=True) == await Variable.aget("names", deserialize_json=True)

assert anyio.run(look)
thread = threading.Thread(target=lambda: Variable.get("names"))
thread.start()
thread.join()
with DAG("d") as dag:
    for name in Variable.get("names", deserialize_json=True):
        task(task_id=name)(lambda: 1)()
"""


@pytest.fixture
def file(folder: Path, flowcore: Flowcore) -> Path:
    path = folder / "dags" / "made.py"
    path.write_text(FILE)
    flowcore("db", "migrate")
    flowcore("variables", "set", "names", '["a", "b"]')
    return path


def test_commands_find_what_files_look_up_in_the_database(flowcore: Flowcore, file: Path) -> None:
    assert json.loads(flowcore("tasks", "test", "d", "b").stdout)["outcome"] == "success"
    listed = json.loads(flowcore("tasks", "list", "d", "-o", "json").stdout)
    assert [row["task_id"] for row in listed] == ["a", "b"]
    assert flowcore("dags", "trigger", "d").exit_code == 0


def test_run_finds_it_in_the_database_that_it_is_given(flowcore: Flowcore, file: Path, folder: Path) -> None:
    given = ["--database-url", f"sqlite:///{folder}/flowcore.db"]
    assert flowcore("run", str(file), *given).exit_code == 0
    result = flowcore("run", str(file))
    assert (result.exit_code, "no variable 'names' in environment" in result.stderr) == (2, True)


def test_without_a_database_the_file_is_told_so(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "made.py").write_text(FILE)
    result = flowcore("tasks", "test", "d", "b")
    assert "run `flowcore db migrate`" in result.stderr
    assert not (folder / "flowcore.db").exists()
