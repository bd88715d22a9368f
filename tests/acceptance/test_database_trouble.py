"""PostgreSQL in trouble: routines pause and go on, nothing is lost or done twice, and nothing storms."""

from __future__ import annotations

import os

import anyio
import pytest

from flowcore.app.options import Options
from tests.acceptance.database_trouble import (
    count_task_instances,
    execute,
    failures,
    lease_end,
    limited_role,
    locked,
    refuse_writes,
    take_writes,
    until,
    waiting_for_locks,
    working,
)

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

POOL = Options().pool_size
APPLY = "apply_executor_events"


@pytest.mark.parametrize("sqlstate", ["53100", "25006"], ids=["disk full", "standby"])
async def test_ends_are_written_when_the_server_has_room_again(postgres_url: str, sqlstate: str) -> None:
    async with working(postgres_url) as (fc, work):
        await refuse_writes(postgres_url, sqlstate)
        before = fc.statistics().database
        work.gate.set()
        await until(lambda: failures(fc, APPLY) >= 4)
        asked = fc.statistics().database.since(before)
        waited = fc.statistics().scheduler.routines[APPLY]
        # It is waited for, however long it takes, with more and more time in between.
        assert (waited.failing_since, asked.transactions < 150) == (float("inf"), True)
        await take_writes(postgres_url)


async def test_a_lease_is_kept_while_all_connections_wait_for_somebody_elses_lock(postgres_url: str) -> None:
    async with (
        working(postgres_url, lease_s=3.0) as (fc, work),
        anyio.create_task_group() as nursery,
        locked(postgres_url, "task_instance") as session,
    ):
        work.gate.set()
        for _ in range(POOL):
            nursery.start_soon(fc.database.read, count_task_instances)
        await until(lambda: waiting_for_locks(session) >= POOL)
        before = fc.statistics().database
        for _ in range(2):
            end = lease_end(session)
            await until(lambda: lease_end(session) > end)  # noqa: B023
        assert fc.statistics().database.since(before).retries == 0


async def test_work_goes_on_with_the_connections_that_the_server_grants(postgres_url: str) -> None:
    role = f"limited_{os.getpid()}"
    await execute(postgres_url, *limited_role(postgres_url, role, connections=2))
    url = postgres_url.replace("postgres@", f"{role}@")
    try:
        async with working(url) as (fc, _):
            assert fc.statistics().database.connections == 1  # and one that listens
    finally:
        await execute(
            postgres_url,
            f"REASSIGN OWNED BY {role} TO postgres",
            f"DROP OWNED BY {role}",
            f"DROP ROLE {role}",
        )
