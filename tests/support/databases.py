"""Databases for tests: a fresh PostgreSQL database each, on one real server, or a new SQLite file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fresh_database import fresh_database
from tests.support.planted_secrets import find_planted_in_server
from tests.support.postgres import running_server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a real server: FLOWCORE_TEST_POSTGRES_URL, else one of our own, started on first use."""
    if given := os.environ.get("FLOWCORE_TEST_POSTGRES_URL"):
        yield given
        return
    with running_server(fsync=False) as url:
        yield url
        assert find_planted_in_server(url) == [], "planted secrets were written to PostgreSQL"


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A `postgresql://` URL of an empty database; the test must leave no connection open."""
    # The process id keeps two test runs on one given server apart.
    with fresh_database(postgres_server, f"flowcore_test_{os.getpid()}_{next(_numbers)}") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flow.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that need a server, so that `-m "not postgres"` works where there is none."""
    if "postgres_server" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.postgres)
