from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from flowcore.app.dag_folder import import_folder, note_failures
from flowcore.database.tables import import_error
from tests.support.scheduling import NOW, Scene

DAG_FILE = """
from flowcore.sdk import DAG, task

with DAG({dag_id!r}):
    task(lambda: 1, task_id="a")()
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


async def test_the_dags_of_every_file_are_found(tmp_path: Path) -> None:
    for dag_id in ("one", "two"):
        write(tmp_path, dag_id, DAG_FILE.format(dag_id=dag_id))
    imported = await import_folder(tmp_path)
    assert sorted(dag.dag_id for dag in imported.dags) == ["one", "two"]
    assert imported.failures == ()


async def test_a_file_that_cannot_be_imported_leaves_the_others(tmp_path: Path) -> None:
    write(tmp_path, "broken", "from flowcore.sdk import DAG\n1 / 0")
    write(tmp_path, "sound", DAG_FILE.format(dag_id="sound"))
    imported = await import_folder(tmp_path)
    assert [dag.dag_id for dag in imported.dags] == ["sound"]
    [failure] = imported.failures
    assert failure.fileloc.endswith("broken.py")
    assert "ZeroDivisionError" in failure.message


async def test_a_dag_id_that_two_files_use_is_an_error_of_the_second(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, name, DAG_FILE.format(dag_id="same"))
    imported = await import_folder(tmp_path)
    assert len(imported.dags) == 1
    [failure] = imported.failures
    assert "give one of them another dag_id" in failure.message


async def test_failures_are_kept_for_those_who_ask(scene: Scene, tmp_path: Path) -> None:
    write(tmp_path, "broken", "from flowcore.sdk import DAG\n1 / 0")
    await note_failures(scene.database, await import_folder(tmp_path), now=NOW)
    [row] = await scene.rows(sa.select(import_error))
    assert row.fileloc.endswith("broken.py")
