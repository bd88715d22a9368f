"""What the asyncpg lane makes of who answers."""

from __future__ import annotations

import pytest

from flowcore.database.engine import open_database
from flowcore.errors import SettingsError
from tests.database.pooled_line import pooled_line


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_it_refuses_a_pooler(postgres_url: str) -> None:
    async with pooled_line(postgres_url.replace("postgresql", "postgresql+asyncpg", 1)) as url:
        with pytest.raises(SettingsError, match=r"a pooler such as PgBouncer.* leave \+asyncpg out of"):
            async with open_database(url):
                pass
