"""A plain SQLAlchemy connection for tests of units of work, which need no lane to be called."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa


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
