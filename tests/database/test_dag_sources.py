from __future__ import annotations

import anyio
import pytest

from flowcore.database.dag_sources import DagSources
from flowcore.database.queries.dag_folders import store_folder_changes
from flowcore.domain.dag_files import FolderChanges, NewVersion, code_digest
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.dags import Dag
from flowcore.errors import DagError
from tests.support.scheduling import NOW, Scene, single


def version_of(dag: Dag, text: str) -> NewVersion:
    source = DagSource.of(text, path="/there/sub/file.py", folder="/there")
    return NewVersion.of(dag, source, code=code_digest(text))


async def store(scene: Scene, *versions: NewVersion) -> None:
    changes = FolderChanges(versions=versions)
    await scene.database.run(store_folder_changes, changes, now=NOW, paused_at_creation=False)


async def version_id(scene: Scene, dag_id: str = "etl") -> int:
    run = await scene.run_row(await scene.trigger(dag_id))
    version: int = run.dag_version_id
    return version


async def test_the_source_of_a_version_is_below_the_folder_of_this_machine(scene: Scene) -> None:
    await store(scene, version_of(single(), "x = 1"))
    source = await DagSources(scene.database, "/here").get(await version_id(scene))
    assert (source.path, source.folder, source.text) == ("/here/sub/file.py", "/here", "x = 1")
    assert source.digest == DagSource.of("x = 1", path="", folder="").digest


async def test_a_version_keeps_its_source_when_the_file_changes(scene: Scene) -> None:
    await store(scene, version_of(single(), "x = 1"))
    first = await version_id(scene)
    await store(scene, version_of(single(), "x = 2"))
    scene.later(1)
    sources = DagSources(scene.database, "/dags")
    assert (await sources.get(first)).text == "x = 1"
    assert (await sources.get(await version_id(scene))).text == "x = 2"


async def test_a_source_is_read_once(scene: Scene) -> None:
    await store(scene, version_of(single(), "x = 1"))
    version, sources = await version_id(scene), DagSources(scene.database, "/dags")
    before = scene.database.statistics().transactions
    async with anyio.create_task_group() as nursery:
        for _ in range(50):
            nursery.start_soon(sources.get, version)
    assert scene.database.statistics().transactions - before == 1


async def test_versions_of_one_file_share_its_text(scene: Scene) -> None:
    await store(scene, *(version_of(single(name), "x = 1") for name in "ab"))
    sources = DagSources(scene.database, "/dags")
    one, other = [await sources.get(await version_id(scene, name)) for name in "ab"]
    assert one.text is other.text


async def test_a_version_that_no_file_made_has_no_source(scene: Scene) -> None:
    await scene.register(single())
    with pytest.raises(DagError, match="put its file into the Dag folder"):
        await DagSources(scene.database, "/dags").get(await version_id(scene))
