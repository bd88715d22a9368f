from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from flowcore.app.run_watch import RunWatch
from flowcore.database.lanes import Database
from flowcore.errors import DatabaseUnavailable
from tests.support.scheduling import Scene, single


@asynccontextmanager
async def watching(scene: Scene, database: Database | None = None) -> AsyncIterator[RunWatch]:
    watch = RunWatch(database or scene.database, poll_s=0.05)
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(watch.serve)
        with anyio.fail_after(30):
            yield watch
        nursery.cancel_scope.cancel()


async def test_a_run_that_ended_before_is_known_at_once(scene: Scene) -> None:
    run = await scene.begin(single())
    await scene.hop()
    async with watching(scene) as watch:
        await watch.wait_ended(run)


async def test_the_end_of_a_run_is_heard_by_all_who_wait_for_it(scene: Scene) -> None:
    run = await scene.begin(single())
    async with watching(scene) as watch, anyio.create_task_group() as nursery:
        for _ in range(3):
            nursery.start_soon(watch.wait_ended, run)
        await anyio.wait_all_tasks_blocked()
        await scene.hop()


class FlakyDatabase:
    """Away for each second look."""

    def __init__(self, database: Database) -> None:
        self.wakeups, self.looks = database.wakeups, 0
        self._database = database

    async def read(self, *arguments):
        self.looks += 1
        if self.looks % 2 == 0:
            raise DatabaseUnavailable("the server is gone")
        return await self._database.read(*arguments)


async def test_a_database_that_is_away_does_not_end_the_watch(scene: Scene) -> None:
    run = await scene.begin(single())
    flaky = FlakyDatabase(scene.database)
    async with watching(scene, flaky) as watch, anyio.create_task_group() as nursery:
        nursery.start_soon(watch.wait_ended, run)
        await anyio.wait_all_tasks_blocked()
        await scene.hop()
    assert flaky.looks >= 3
