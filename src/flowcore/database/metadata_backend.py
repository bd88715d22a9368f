"""The metadata database as the last of the secrets backends, and as the place where variables are written."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flowcore.database.lanes import Database
from flowcore.database.queries import secrets as queries
from flowcore.database.sealing import BACKEND, Sealing


class MetadataBackend:
    """Implements `flowcore.abc.SecretsBackend` and `flowcore.secrets.service.VariableStore`."""

    name = BACKEND

    def __init__(self, database: Database, sealing: Sealing) -> None:
        self._database, self._sealing = database, sealing

    async def get_connection(self, conn_id: str) -> str | None:
        row = await self._database.read(queries.find_connection, conn_id)
        return None if row is None else json.dumps(self._sealing.open_connection(row).to_document())

    async def get_variable(self, key: str) -> str | None:
        row = await self._database.read(queries.find_variable, key)
        return None if row is None else self._sealing.open_variable(row)

    async def set_variable(self, key: str, value: str, description: str | None) -> None:
        row = self._sealing.seal_variable(key, value, description)
        await self._database.run(queries.put_variables, [row])

    async def delete_variable(self, key: str) -> bool:
        return await self._database.run(queries.delete_variable, key)

    async def variable_keys(self, prefix: str) -> Sequence[str]:
        return [row.key for row in await self._database.read(queries.list_variables, prefix)]

    async def aclose(self) -> None:
        """The database belongs to whoever opened it."""
