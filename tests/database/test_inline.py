"""The inline lane beyond what all lanes promise."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from flowcore.database.engine import open_database
from flowcore.errors import SettingsError


async def test_units_run_in_the_callers_thread() -> None:
    async with open_database("sqlite://", inline=True) as database:
        assert await database.run(lambda connection: threading.get_ident()) == threading.get_ident()


async def test_each_memory_database_is_a_world_of_its_own() -> None:
    create = sa.text("CREATE TABLE once (id INTEGER)")
    for _ in range(2):
        async with open_database("sqlite://", inline=True) as database:
            await database.run(lambda connection: connection.execute(create))


async def test_a_file_cannot_be_used_inline() -> None:
    with pytest.raises(SettingsError, match="inline=True"):
        async with open_database("sqlite:///flow.db", inline=True):
            pass
