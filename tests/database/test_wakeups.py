"""A commit is heard by everybody who waits for it, in this process and in others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from flowcore.database.engine import Database, open_database
from tests.database.faults import end_a_session
from tests.database.items import create_items, insert_items

HEARD_WITHIN_S = 30.0


@asynccontextmanager
async def served(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as database, anyio.create_task_group() as nursery:
        await nursery.start(lambda *, task_status: database.serve(task_status=task_status))
        yield database
        nursery.cancel_scope.cancel()


@pytest.fixture(params=["sqlite", "postgresql", "postgresql+asyncpg"])
def shared_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/flow.db"
    url: str = request.getfixturevalue("postgres_url")
    return url.replace("postgresql", request.param)


async def test_another_database_object_hears_of_a_commit(shared_url: str) -> None:
    async with served(shared_url) as listener, served(shared_url) as writer:
        await writer.run(create_items)
        seen = listener.wakeups.version("items")
        await writer.run(insert_items, 1)
        assert await listener.wakeups.after("items", seen, HEARD_WITHIN_S) > seen


async def test_ones_own_commit_is_heard_once(shared_url: str) -> None:
    async with served(shared_url) as database, served(shared_url) as other:
        await database.run(create_items)
        mine, theirs = database.wakeups.version("items"), other.wakeups.version("items")
        await database.run(insert_items, 1)
        await other.wakeups.after("items", theirs, HEARD_WITHIN_S)  # by now the news has come around
        assert database.wakeups.version("items") == mine + 1


async def test_commits_of_a_process_that_serves_are_told_in_a_transaction_apart(postgres_url: str) -> None:
    async with served(postgres_url) as listener, served(postgres_url) as writer:
        await listener.run(create_items)
        before, seen = writer.statistics(), listener.wakeups.version("items")
        for number in range(1, 6):
            await writer.run(insert_items, number)
        await listener.wakeups.after("items", seen, HEARD_WITHIN_S)

        def is_told() -> bool:
            used = writer.statistics().since(before)
            # Five times an insertion and its commit, and the news.
            return used.transactions >= 6 and used.round_trips == 2 * used.transactions

        with anyio.fail_after(HEARD_WITHIN_S):
            while not is_told():  # noqa: ASYNC110 - the writer hears of the end after the listener
                await anyio.sleep(0.01)


async def test_a_database_that_is_left_tells_its_last_news(postgres_url: str) -> None:
    async with served(postgres_url) as listener:
        async with served(postgres_url) as writer:
            await writer.run(create_items)
            seen = listener.wakeups.version("items")
            await writer.run(insert_items, 1)
        assert await listener.wakeups.after("items", seen, HEARD_WITHIN_S) > seen


async def test_ten_thousand_waiters_hear_of_one_commit(shared_url: str) -> None:
    heard: list[int] = []

    async def wait(database: Database, seen: int) -> None:
        heard.append(await database.wakeups.after("items", seen))

    async with served(shared_url) as database:
        await database.run(create_items)
        seen = database.wakeups.version("items")
        async with anyio.create_task_group() as nursery:
            for _ in range(100):
                for _ in range(100):
                    nursery.start_soon(wait, database, seen)
                await anyio.lowlevel.checkpoint()
            await anyio.wait_all_tasks_blocked()
            await database.run(insert_items, 1)
    assert heard == [1] * 10_000


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
async def test_everybody_is_woken_after_a_lost_listener_has_come_back(postgres_url: str, scheme: str) -> None:
    async with served(postgres_url.replace("postgresql", scheme)) as database:
        seen = database.wakeups.version("anything")
        while database.wakeups.version("anything") == seen:
            await anyio.to_thread.run_sync(end_a_session, postgres_url)
            await database.wakeups.after("anything", seen, timeout_s=0.5)
        assert database.wakeups.version("anything") > seen
