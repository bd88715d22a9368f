"""Installations for the acceptance tests: each kind of database, each event loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.installation import Installation

#: Short, so that the tests need not wait long for the tries of dead processes.
LEASE_S = 1.5


@pytest.fixture(params=["asyncio", "trio"])
def loop(request: pytest.FixtureRequest) -> str:
    """The event loop of the schedulers."""
    name: str = request.param
    return name


@pytest.fixture
def installation(tmp_path: Path, database_url: str, loop: str) -> Installation:
    """An empty database with its schema, and an empty Dag folder."""
    made = Installation(tmp_path, database_url, loop, {"FLOWCORE_LEASE_S": str(LEASE_S)})
    made.command("db", "migrate")
    return made
