"""Only what ends before a scheduler starts: one ends its whole process, see `tests/acceptance`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Flowcore, error_of


def test_a_dag_folder_that_cannot_be_created_is_named(flowcore: Flowcore, folder: Path) -> None:
    (folder / "file").touch()
    assert error_of(flowcore("standalone", "--dags-folder", "file/dags")) == (
        f"error: the Dag folder {folder}/file/dags cannot be created: Not a directory; "
        "name another with --dags-folder"
    )
