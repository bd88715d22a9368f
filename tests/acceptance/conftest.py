"""Installations for the acceptance tests, on pairs of a kind of database and an event loop.

A behaviour is tried on two pairs, which have both databases and both loops between them: all four
pairs would take twice the time to say the same. One that has to do with the database or the loop
itself names its pairs.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.acceptance.installation import Installation

#: For tests that wait until the lease of a dead process is over.
LEASE_S = 4.0

SQLITE = pytest.mark.parametrize("pair", ["sqlite-asyncio", "sqlite-trio"], indirect=True)
POSTGRES = pytest.mark.parametrize(
    "pair",
    [pytest.param(pair, marks=pytest.mark.postgres) for pair in ("postgres-asyncio", "postgres-trio")],
    indirect=True,
)


@pytest.fixture(params=["sqlite-trio", pytest.param("postgres-asyncio", marks=pytest.mark.postgres)])
def pair(request: pytest.FixtureRequest) -> str:
    """The kind of database, and the event loop of the schedulers."""
    name: str = request.param
    return name


@pytest.fixture
def loop(pair: str) -> str:
    return pair.partition("-")[2]


@pytest.fixture
def database_url(request: pytest.FixtureRequest, pair: str, tmp_path: Path) -> str:
    if pair.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'flow.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def installation(tmp_path: Path, database_url: str, loop: str) -> Installation:
    """An empty database with its schema, and an empty Dag folder."""
    made = Installation(tmp_path, database_url, loop)
    made.command("db", "migrate")
    return made


@pytest.fixture
def hasty(installation: Installation) -> Installation:
    """The same, where leases are short."""
    return attrs.evolve(installation, environment={"FLOWCORE_LEASE_S": str(LEASE_S)})
