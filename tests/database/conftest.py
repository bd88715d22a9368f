"""Databases on every lane, and a plain SQLAlchemy connection for tests that need no lane."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from flowcore.database.engine import Database, open_database
from tests.database.items import create_items

#: Lanes by name, and the URL scheme that chooses them. Under trio both are the native lane.
POSTGRES_LANES = {"native": "postgresql", "asyncpg": "postgresql+asyncpg"}
LANES = [
    "inline",
    "memory",
    "sqlite",
    *(pytest.param(name, marks=pytest.mark.postgres) for name in POSTGRES_LANES),
]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    """An empty database of each kind."""
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction on it, committed after the test."""
    with engine.begin() as connection:
        yield connection


@pytest.fixture(params=LANES)
def lane_url(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Each lane in turn, and the URL of an empty database for it."""
    lane: str = request.param
    # Here and not in the next fixture: what an asynchronous one asks for is made inside the event loop.
    if lane in POSTGRES_LANES:
        url: str = request.getfixturevalue("postgres_url")
        return lane, url.replace("postgresql://", f"{POSTGRES_LANES[lane]}://")
    return lane, f"sqlite:///{tmp_path / 'flow.db'}" if lane == "sqlite" else "sqlite:///:memory:"


@pytest.fixture
async def database(lane_url: tuple[str, str]) -> AsyncIterator[Database]:
    """An empty database on each lane in turn, with the tables of `tests.database.items`."""
    lane, url = lane_url
    async with open_database(url, inline=lane == "inline") as database:
        await database.run(create_items)
        yield database


@pytest.fixture(params=POSTGRES_LANES)
async def postgres(request: pytest.FixtureRequest, postgres_url: str) -> AsyncIterator[Database]:
    """The same on PostgreSQL's lanes only."""
    url = postgres_url.replace("postgresql://", f"{POSTGRES_LANES[request.param]}://")
    async with open_database(url, pool_size=8) as database:
        await database.run(create_items)
        yield database


@pytest.fixture
async def native(postgres_url: str) -> AsyncIterator[Database]:
    """The same on the native lane only."""
    async with open_database(postgres_url, pool_size=8) as database:
        await database.run(create_items)
        yield database
