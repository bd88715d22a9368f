from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.scheduling import Scene, open_scene


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """One scheduler on an empty database of each kind."""
    async with open_scene(database_url) as scene:
        yield scene


@pytest.fixture
async def rivals(postgres_url: str) -> AsyncIterator[tuple[Scene, Scene]]:
    """Two schedulers on one PostgreSQL database."""
    async with open_scene(postgres_url) as first, open_scene(postgres_url) as second:
        yield first, second
