"""What the native lane makes of who answers."""

from __future__ import annotations

import sqlalchemy as sa

from flowcore.database.engine import open_database
from tests.database.pooled_line import pooled_line


def prepared(connection: sa.Connection) -> int:
    """How many statements the server has prepared for us; asked again and again, this one is among them."""
    return connection.scalar(sa.text("SELECT count(*) FROM pg_prepared_statements")) or 0


async def test_statements_are_prepared(postgres_url: str) -> None:
    async with open_database(postgres_url) as database:
        assert [await database.read(prepared) for _ in range(3)][-1] >= 1


async def test_behind_a_pooler_no_statement_is_prepared(postgres_url: str) -> None:
    async with pooled_line(postgres_url) as url, open_database(url) as database:
        assert [await database.read(prepared) for _ in range(3)] == [0, 0, 0]
