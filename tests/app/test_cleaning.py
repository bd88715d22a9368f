from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import sqlalchemy as sa

from flowcore.app.archive_files import ArchiveFiles
from flowcore.app.cleaning import Cleaning, clean, count_old
from flowcore.database.tables import backfill, dag_run
from flowcore.domain.retention import Retention
from flowcore.errors import UsageError
from flowcore.runner.logs.paths import run_folder
from flowcore.runner.xcoms.objects import ObjectXComs
from tests.support.scheduling import NOW, Scene, loose, single

OLD = Retention(before=NOW + timedelta(seconds=1))


async def end_runs(scene: Scene, count: int, **fields: Any) -> list[str]:
    """Runs of one task that have ended; their names."""
    await scene.register(single())
    runs = [await scene.trigger(logical_date=NOW - timedelta(days=n)) for n in range(count)]
    await scene.start()
    await scene.end(await scene.enqueue(), **fields)
    await scene.schedule()
    return [(await scene.run_row(run)).run_id for run in runs]


async def runs_left(scene: Scene) -> int:
    return len(await scene.rows(sa.select(dag_run.c.id)))


def archived(folder: Path, table: str) -> list[dict[str, Any]]:
    with gzip.open(folder / f"{table}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


async def test_what_would_be_deleted_is_counted_first(scene: Scene) -> None:
    await end_runs(scene, 3)
    counts = await count_old(scene.database, Cleaning(retention=OLD, batch_size=2))
    assert (counts["dag_run"], counts["task_instance"], await runs_left(scene)) == (3, 3, 3)


async def test_what_is_deleted_is_archived_before(scene: Scene, tmp_path: Path) -> None:
    names = await end_runs(scene, 3, xcoms={"k": '"v"'})
    archive = ArchiveFiles(tmp_path / "archive")
    counts = await clean(scene.database, Cleaning(retention=OLD, batch_size=1, archive=archive))
    assert (counts["dag_run"], counts["xcom"], await runs_left(scene)) == (3, 3, 0)
    assert [run["run_id"] for run in archived(archive.folder, "dag_run")] == names
    assert [xcom["value"] for xcom in archived(archive.folder, "xcom")] == ['"v"'] * 3
    assert archived(archive.folder, "task_instance")[0]["end_date"] == NOW.isoformat()
    assert (archive.folder / "dag_run.jsonl.gz").stat().st_mode & 0o077 == 0


async def test_nothing_is_deleted_that_could_not_be_archived(scene: Scene, tmp_path: Path) -> None:
    await end_runs(scene, 1)
    (tmp_path / "file").write_text("no folder")
    cleaning = Cleaning(retention=OLD, archive=ArchiveFiles(tmp_path / "file"))
    with pytest.raises(UsageError, match="nothing of the last batch was deleted"):
        await clean(scene.database, cleaning)
    assert await runs_left(scene) == 1


async def test_logs_and_xcoms_outside_go_with_their_runs(scene: Scene, tmp_path: Path) -> None:
    [old, _] = await end_runs(scene, 2, xcoms={"k": '"v"'})
    xcoms = tmp_path / "xcoms" / "dag_id=etl"
    logs = tmp_path / "logs"
    for run_id in (old, "other"):
        (logs / run_folder("etl", run_id)).mkdir(parents=True)
        (
            xcoms / f"run_id={run_id.replace(':', '%3A').replace('+', '%2B')}/task_id=a/map_index=-1/token=1"
        ).mkdir(parents=True)
    cleaning = Cleaning(retention=OLD, xcoms=ObjectXComs(str(tmp_path / "xcoms")), logs_folder=logs)
    await clean(scene.database, cleaning)
    assert [path.parts[-1] for path in (logs / "dag_id=etl").iterdir()] == ["run_id=other"]
    assert [path.parts[-4] for path in xcoms.glob("*/*/*/*")] == ["run_id=other"]


async def test_backfills_go_when_their_runs_have_gone(scene: Scene) -> None:
    await end_runs(scene, 1)
    days = dict.fromkeys(("from_date", "to_date", "created_at", "completed_at"), NOW)
    fixed = {"dag_id": "etl", "is_paused": False, "run_backwards": False, "max_active_runs": 1}
    await scene.execute(backfill.insert().values(id=1, reprocess_behavior="none", **days, **fixed))
    await scene.execute(dag_run.update().values(backfill_id=1))
    assert (await clean(scene.database, Cleaning(retention=OLD)))["backfill"] == 1


async def test_a_scheduler_goes_on_meanwhile(scene: Scene) -> None:
    await end_runs(scene, 8)
    scene.later(60)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(clean, scene.database, Cleaning(retention=OLD, batch_size=1))
        run = await scene.begin(loose(3, dag_id="other"))
        await scene.hop()
    assert (await scene.run_row(run)).state == "success"
    assert await runs_left(scene) == 1
