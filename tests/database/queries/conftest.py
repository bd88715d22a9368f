from __future__ import annotations

import pytest
import sqlalchemy as sa

from flowcore.database import schema


@pytest.fixture
def connection(connection: sa.Connection) -> sa.Connection:
    """A transaction on a database that has the schema."""
    schema.prepare(connection)
    return connection
