from __future__ import annotations

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.register_dags import register_dag
from tests.support.scheduling import NOW, Scene, chain


async def register(scene: Scene, lengths: range) -> list[int]:
    arguments = {"now": NOW, "paused_at_creation": False}
    return [await scene.database.run(register_dag, chain(length), **arguments) for length in lengths]


async def statements(scene: Scene, versions: DagVersions, ids: list[int]) -> int:
    before = scene.database.statistics().statements
    await scene.database.read(versions.get, ids)
    return scene.database.statistics().statements - before


async def test_versions_are_read_once_and_together(scene: Scene) -> None:
    versions, ids = DagVersions(), await register(scene, range(1, 4))
    assert await statements(scene, versions, ids) == 1
    assert await statements(scene, versions, ids) == 0


async def test_a_version_is_what_was_registered(scene: Scene) -> None:
    [version] = await register(scene, range(2, 3))
    found = await scene.database.read(DagVersions().get, [version])
    assert found == {version: chain(2)}


async def test_versions_unused_for_longest_make_room(scene: Scene) -> None:
    versions, ids = DagVersions(size=2), await register(scene, range(1, 4))
    await statements(scene, versions, ids[:2])
    await statements(scene, versions, [ids[0]])
    await statements(scene, versions, [ids[2]])
    assert await statements(scene, versions, [ids[0]]) == 0
    assert await statements(scene, versions, [ids[1]]) == 1
