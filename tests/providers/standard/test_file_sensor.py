from __future__ import annotations

import json

import pytest

from flowcore.providers.standard.file_sensor import FileSensor
from flowcore.sdk import DAG
from tests.support.dag_runs import run_task


async def wait_for(**arguments):
    with DAG("d") as dag:
        FileSensor("wait", timeout=0, poke_interval=0, soft_fail=True, **arguments)
    return (await run_task(dag)).state


@pytest.fixture(autouse=True)
def _files(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "full" / "deep" / "file.csv").touch()


@pytest.mark.parametrize(
    ("pattern", "arguments", "state"),
    [
        ("full/deep/file.csv", {}, "success"),
        ("full/deep/*.csv", {}, "success"),
        ("**/*.csv", {"recursive": True}, "success"),
        ("*/*.csv", {}, "skipped"),
        ("full", {}, "success"),
        ("empty", {}, "skipped"),
        ("missing", {}, "skipped"),
    ],
)
async def test_files_are_found(tmp_path, pattern, arguments, state):
    assert await wait_for(filepath=tmp_path / pattern, **arguments) == state


async def test_paths_are_below_that_of_the_connection(tmp_path, monkeypatch):
    connection = {"conn_type": "fs", "extra": {"path": str(tmp_path)}}
    monkeypatch.setenv("AIRFLOW_CONN_FILES", json.dumps(connection))
    assert await wait_for(filepath="full/deep/file.csv", fs_conn_id="files") == "success"
