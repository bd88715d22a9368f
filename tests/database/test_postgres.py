"""Units keep their promises on PostgreSQL when callers are cancelled and connections are cut."""

from __future__ import annotations

import anyio
import pytest

from flowcore.database.engine import Database
from tests.database.faults import committed_units, end_a_session, run_units, sessions
from tests.database.items import list_ids

UNITS = 1_000


@pytest.mark.slow
async def test_units_cancelled_at_random_points_happen_wholly_or_not_at_all(
    postgres: Database, postgres_url: str
) -> None:
    fates = await run_units(postgres, UNITS, longest_s=0.04)
    assert fates.cancelled
    assert fates.returned
    assert await committed_units(postgres) == fates.returned


@pytest.mark.slow
async def test_connections_survive_cancelled_units(native: Database, postgres_url: str) -> None:
    await run_units(native, UNITS, longest_s=0.02)
    await native.read(list_ids)
    assert native.statistics().connections <= 8
    assert set(sessions(postgres_url)) == {"idle"}


@pytest.mark.slow
async def test_every_units_fate_is_known_when_sessions_are_terminated(
    postgres: Database, postgres_url: str
) -> None:
    async def storm() -> None:
        while True:
            await anyio.to_thread.run_sync(end_a_session, postgres_url)
            await anyio.sleep(0.02)

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(storm)
        fates = await run_units(postgres, 300)
        nursery.cancel_scope.cancel()
    assert fates.returned == set(range(300)) == await committed_units(postgres)
    assert postgres.statistics().retries > 0
