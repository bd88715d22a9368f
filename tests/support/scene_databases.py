"""Databases for scenes: one PostgreSQL database for all tests, emptied for each; creating one takes longer.

A test that looks at query plans or cuts connections asks for `postgres_url`, a database of its own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from flowcore.database.tables import metadata
from tests.support.fresh_database import fresh_database
from tests.support.scheduling import Scene, open_scene


@pytest.fixture(scope="session")
def shared_database(postgres_server: str) -> Iterator[str]:
    """URL of the PostgreSQL database that scenes share, one after another."""
    with fresh_database(postgres_server, f"flowcore_scenes_{os.getpid()}") as url:
        yield url


@pytest.fixture
def scene_postgres(shared_database: str) -> str:
    """URL of that database, with nothing in it but perhaps the schema."""
    with psycopg.connect(shared_database) as connection:
        if connection.execute("SELECT to_regclass('pool')").fetchone() != (None,):
            for table in metadata.sorted_tables[::-1]:
                spared = "WHERE name <> 'default_pool'" if table.name == "pool" else ""
                connection.execute(f'DELETE FROM "{table.name}" {spared}'.encode())
    return shared_database


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def scene_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without Dags, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flow.db'}"
    url: str = request.getfixturevalue("scene_postgres")
    return url


@pytest.fixture
async def scene(scene_url: str) -> AsyncIterator[Scene]:
    """One scheduler on a database of each kind."""
    async with open_scene(scene_url) as scene:
        yield scene


@pytest.fixture
async def rivals(scene_postgres: str) -> AsyncIterator[tuple[Scene, Scene]]:
    """Two schedulers on one PostgreSQL database."""
    async with open_scene(scene_postgres) as first, open_scene(scene_postgres) as second:
        yield first, second
