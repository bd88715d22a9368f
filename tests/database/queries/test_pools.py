from __future__ import annotations

import pytest

from flowcore.database.queries.pools import delete_pool, list_pools, put_pools
from flowcore.domain.pools import Pool
from flowcore.errors import UsageError
from tests.support.scheduling import Scene, loose

SMALL = Pool("small", 2, "for dear things")


async def test_a_pool_tells_what_is_used_and_who_waits(scene: Scene) -> None:
    await scene.database.run(put_pools, [SMALL])
    await scene.begin(loose(5, every={"pool": "small"}))
    await scene.enqueue()
    [_, small] = await scene.database.read(list_pools)
    assert (small.pool, small.used, small.waiting) == (SMALL, 2, 3)


async def test_a_pool_that_was_enlarged_is_used_at_once(scene: Scene) -> None:
    await scene.database.run(put_pools, [SMALL])
    await scene.begin(loose(5, every={"pool": "small"}))
    await scene.enqueue()
    seen = scene.database.wakeups.version("slots_freed")
    await scene.database.run(put_pools, [Pool("small", 4)])
    assert scene.database.wakeups.version("slots_freed") > seen
    assert len(await scene.enqueue()) == 2


async def test_a_pool_is_not_deleted_while_somebody_needs_it(scene: Scene) -> None:
    await scene.database.run(put_pools, [SMALL])
    await scene.begin(loose(1, every={"pool": "small"}))
    with pytest.raises(UsageError, match="0 slots in use and 1 task instances waiting, which would fail"):
        await scene.database.run(delete_pool, "small")
    await scene.end(await scene.enqueue())
    assert await scene.database.run(delete_pool, "small") == SMALL
    assert await scene.database.run(delete_pool, "small") is None
