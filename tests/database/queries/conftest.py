from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from flowcore.clock import SystemClock
from flowcore.database import schema
from flowcore.database.types import register_clock
from tests.support.plans import engine_on


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A database of each kind: in memory, or one that was emptied, for both are quick."""
    if request.param == "postgres":
        with engine_on(request.getfixturevalue("scene_postgres")) as engine:
            yield engine
        return
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda raw, _: register_clock(raw, SystemClock()))
    yield engine
    engine.dispose()


@pytest.fixture
def connection(connection: sa.Connection) -> sa.Connection:
    """A transaction on a database that has the schema."""
    schema.prepare(connection)
    return connection
