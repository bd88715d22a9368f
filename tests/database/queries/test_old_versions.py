from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from flowcore.database.queries.old_versions import OLD_VERSIONS
from flowcore.database.tables import dag_version
from flowcore.domain.retention import Retention
from flowcore.domain.serialization import load_dag
from tests.support.scheduling import NOW, Scene, chain, single

OLD = Retention(before=NOW + timedelta(seconds=1))


async def clean(scene: Scene) -> Sequence[object]:
    """Delete what is found; the tasks of the versions that are left."""
    found = await scene.database.read(OLD_VERSIONS.find, OLD, 0, 100)
    await scene.database.run(OLD_VERSIONS.delete, found)
    rows = await scene.rows(sa.select(dag_version.c.document).order_by(dag_version.c.id))
    return [len(load_dag(row.document).tasks) for row in rows]


async def test_a_version_is_old_when_another_has_taken_its_place_and_no_run_has_it(scene: Scene) -> None:
    await scene.register(single())
    await scene.begin(chain(2))
    await scene.register(chain(3))
    assert await clean(scene) == [2, 3]


async def test_a_version_that_was_replaced_lately_stays(scene: Scene) -> None:
    await scene.register(single())
    scene.later(60)
    await scene.register(chain(2))
    assert await clean(scene) == [1, 2]


async def test_a_version_that_has_come_back_stays(scene: Scene) -> None:
    for dag in (single(), chain(2)):
        await scene.register(dag)
    found = await scene.database.read(OLD_VERSIONS.find, OLD, 0, 100)
    await scene.register(single())
    assert (await scene.database.run(OLD_VERSIONS.delete, found))[0] == []
