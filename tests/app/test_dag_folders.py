from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest
import sqlalchemy as sa

import flowcore
from flowcore import Flowcore
from flowcore.database.queries.listing_dags import list_dags
from flowcore.database.tables import dag_version
from flowcore.domain.states import DagRunState
from flowcore.errors import DagInactive
from flowcore.processor.service import FolderSettings
from tests.app.conftest import OPTIONS
from tests.app.dags import etl

pytestmark = pytest.mark.slow

IN_FOLDER = attrs.evolve(OPTIONS, dag_files=FolderSettings(poll_s=0.05), safety_poll_s=0.2)
SAYS = """
from pathlib import Path
import anyio
from flowcore.sdk import dag, task

HERE = Path(__file__).parent

@dag
def says():
    @task
    async def word():
        (HERE / "begun").touch()
        while {waits} and not (HERE / "go").exists():
            await anyio.sleep(0.01)
        return {word!r}

    word()

says()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "dags"
    path.mkdir()
    return path


def write(folder: Path, word: str, *, waits: bool = False) -> None:
    (folder / "new").write_text(SAYS.format(word=word, waits=waits))
    os.replace(folder / "new", folder / "says.py")


@asynccontextmanager
async def opened(url: str, folder: Path, **options: object) -> AsyncIterator[Flowcore]:
    async with flowcore.open(url, dags_folder=folder, options=attrs.evolve(IN_FOLDER, **options)) as fc:
        yield fc


async def said(fc: Flowcore) -> object:
    run = await fc.trigger("says")
    assert await run.wait() is DagRunState.SUCCESS
    return await run.xcom("word")


async def wait_for_version(fc: Flowcore, number: int) -> None:
    newest = sa.select(sa.func.max(dag_version.c.version_number))
    with anyio.fail_after(20):
        while await fc.database.read(sa.Connection.scalar, newest) != number:  # noqa: ASYNC110
            await anyio.sleep(0.02)


async def settled(fc: Flowcore) -> Flowcore:
    assert fc.folder is not None
    with anyio.fail_after(20):
        await fc.folder.wait_settled()
    return fc


async def test_dags_of_a_folder_run(scene_url: str, folder: Path) -> None:
    write(folder, "one")
    async with opened(scene_url, folder) as fc:
        await settled(fc)
        assert await said(fc) == "one"


async def test_new_runs_use_a_new_version_and_running_ones_stay_on_theirs(
    scene_url: str, folder: Path
) -> None:
    write(folder, "old", waits=True)
    async with opened(scene_url, folder) as fc:
        await settled(fc)
        running = await fc.trigger("says")
        while not (folder / "begun").exists():  # noqa: ASYNC110
            await anyio.sleep(0.01)
        queued = await fc.trigger("says")
        write(folder, "new")
        await wait_for_version(fc, 2)
        assert await said(fc) == "new"
        (folder / "go").touch()
        assert [await run.wait() for run in (running, queued)] == [DagRunState.SUCCESS] * 2
        assert [await run.xcom("word") for run in (running, queued)] == ["old", "old"]


async def test_a_run_goes_on_with_its_version_after_a_restart(scene_url: str, folder: Path) -> None:
    write(folder, "old")
    async with opened(scene_url, folder, creates_dag_runs=False) as fc:
        await settled(fc)
        await fc.pause("says")
        run = await fc.trigger("says", run_id="mine")
    write(folder, "new")
    async with opened(scene_url, folder) as fc:
        await settled(fc)
        await fc.unpause("says")
        run = await fc.run("says", "mine")
        assert await run.wait() is DagRunState.SUCCESS
        assert await run.xcom("word") == "old"
        assert await said(fc) == "new"


async def test_a_dag_whose_file_is_gone_cannot_be_triggered(scene_url: str, folder: Path) -> None:
    write(folder, "one")
    async with opened(scene_url, folder) as fc:
        await settled(fc)
        (folder / "says.py").unlink()
        with anyio.fail_after(20):
            while (await fc.database.read(list_dags))[0].is_active:  # noqa: ASYNC110
                await anyio.sleep(0.02)
        with pytest.raises(DagInactive):
            await fc.trigger("says")


async def test_dags_may_be_registered_beside_a_folder(scene_url: str, folder: Path) -> None:
    write(folder, "one")
    async with opened(scene_url, folder) as fc:
        fc.register(etl())
        assert await (await fc.trigger("etl")).wait() is DagRunState.SUCCESS
        assert await said(await settled(fc)) == "one"


async def test_idle_means_that_all_files_were_read(scene_url: str, folder: Path) -> None:
    write(folder, "one")
    async with opened(scene_url, folder) as fc:
        await fc.wait_idle()
        assert [listed.dag_id for listed in await fc.database.read(list_dags)] == ["says"]


async def test_a_scheduler_carries_out_what_another_process_has_read(
    scene_postgres: str, folder: Path
) -> None:
    write(folder, "one")
    async with opened(scene_postgres, folder, reads_dag_files=False) as fc:
        async with opened(scene_postgres, folder, creates_dag_runs=False) as reader:
            await settled(reader)
            await reader.pause("says")
            await reader.trigger("says", run_id="mine")
        await fc.unpause("says")
        run = await fc.run("says", "mine")
        with anyio.fail_after(20):
            assert await run.wait() is DagRunState.SUCCESS
