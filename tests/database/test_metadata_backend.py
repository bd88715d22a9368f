from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet

from flowcore.database.engine import open_database
from flowcore.database.metadata_backend import MetadataBackend
from flowcore.database.queries.secrets import put_connections
from flowcore.database.schema import prepare
from flowcore.database.sealing import Sealing
from flowcore.domain.connections import parse_connection
from flowcore.secrets.encryption import Encryption
from tests.support.planted_secrets import plant

SEALING = Sealing(Encryption([Fernet.generate_key().decode()]))
DB = parse_connection("db", f"postgres://me:{plant()}@HOST:5432/sales?api_key={plant()}")
TOKEN = plant()


@pytest.fixture
async def backend(database_url: str) -> AsyncIterator[MetadataBackend]:
    """On a database that has the connection `db`."""
    async with open_database(database_url) as database:
        await database.run(prepare)
        await database.run(put_connections, [SEALING.seal_connection(DB)])
        yield MetadataBackend(database, SEALING)


async def test_a_connection_is_read_back(backend: MetadataBackend) -> None:
    text = await backend.get_connection("db")
    assert text is not None
    assert parse_connection("db", text) == DB
    assert await backend.get_connection("other") is None


async def test_a_variable_is_written_read_listed_and_deleted(backend: MetadataBackend) -> None:
    await backend.set_variable("a.token", plant(), "what for")
    await backend.set_variable("a.token", TOKEN, None)
    assert await backend.get_variable("a.token") == TOKEN
    assert list(await backend.variable_keys("a.")) == ["a.token"]
    assert await backend.delete_variable("a.token")
    assert await backend.get_variable("a.token") is None
