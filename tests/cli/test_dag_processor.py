"""What ends by itself; `tests/acceptance/test_dag_files.py` has the service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Flowcore, error_of


@pytest.mark.parametrize("command", [["dag-processor"], ["dags", "reserialize"]])
def test_a_dag_folder_is_needed(command: list[str], flowcore: Flowcore, folder: Path) -> None:
    shown = error_of(flowcore(*command, "--dags-folder", "absent"))
    assert shown.startswith(f"error: there is no Dag folder {folder}/absent; create it")


@pytest.mark.slow
@pytest.mark.usefixtures("etl_file")
def test_every_file_is_read_once_and_stored(flowcore: Flowcore, folder: Path) -> None:
    done = flowcore("dags", "reserialize")
    assert (done.exit_code, done.stdout) == (0, "1 Dags, 0 files that cannot be imported\n")
    (folder / "dags" / "etl.py").unlink()
    assert flowcore("dags", "reserialize").stdout == "0 Dags, 0 files that cannot be imported\n"
    [row] = json.loads(flowcore("dags", "list", "-o", "json").stdout)
    assert (row["dag_id"], row["is_active"]) == ("etl", False)


@pytest.mark.slow
@pytest.mark.usefixtures("etl_file")
def test_a_file_that_cannot_be_imported_is_the_exit_status(flowcore: Flowcore, folder: Path) -> None:
    (folder / "dags" / "broken.py").write_text("# a flowcore Dag\n1 / 0")
    done = flowcore("dags", "reserialize")
    assert (done.exit_code, done.stdout) == (2, "1 Dags, 1 files that cannot be imported\n")
    [row] = json.loads(flowcore("dags", "list-import-errors", "-o", "json").stdout)
    assert row["message"].endswith("broken.py:2: ZeroDivisionError: division by zero; mend the file")
    assert "1 / 0" in row["detail"]
