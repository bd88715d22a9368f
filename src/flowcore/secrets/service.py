"""`Secrets`: connections and variables for everybody in this process.

Lookups go through the cache down the chain. Writes go to the metadata database only, as in Airflow;
a backend before it may shadow what was written, which is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

import anyio
import attrs
from anyio.abc import TaskStatus

from flowcore.abc import WatchedSecretsBackend
from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.connections import Connection, parse_connection
from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import (
    ConnectionInvalid,
    ConnectionNotFound,
    SecretsGarbled,
    VariableNotFound,
)
from flowcore.secrets.cache import Cache, CacheStatistics
from flowcore.secrets.chain import Chain
from flowcore.secrets.guard import GuardStatistics
from flowcore.secrets.keys import Kind, SecretKey
from flowcore.secrets.masking import PROCESS
from flowcore.secrets.shadows import Shadows

log = logging.getLogger(__name__)

#: Woken by every unit of work that writes a connection or a variable.
CHANNEL = "secrets"


class VariableStore(Protocol):
    """Where variables are written."""

    name: str

    async def set_variable(self, key: str, value: str, description: str | None) -> None: ...
    async def delete_variable(self, key: str) -> bool: ...
    async def variable_keys(self, prefix: str) -> Sequence[str]: ...


@attrs.frozen
class SecretsStatistics:
    """How the cache and each backend are doing."""

    cache: CacheStatistics
    backends: Sequence[GuardStatistics]


class Secrets:
    """Looks up and writes; `serve` must run wherever it is used. Use it on one event loop only.

    Args:
        chain: Where to look, in this order.
        store: Where variables are written.
        wakeups: Hears of writes by other processes.
        watched: Those of the backends that tell when something has changed.
        ttl_s: Seconds for which an answer is remembered; a miss for at most 5 of them.
    """

    def __init__(
        self,
        chain: Chain,
        *,
        store: VariableStore,
        wakeups: Wakeups,
        watched: Iterable[WatchedSecretsBackend] = (),
        ttl_s: float = 60.0,
    ) -> None:
        self._chain, self._store, self._wakeups = chain, store, wakeups
        self._watched = tuple(watched)
        self._shadows = Shadows(chain, store.name)
        self._cache = Cache(chain.look_up, ttl_s=ttl_s, miss_ttl_s=min(ttl_s, 5.0))

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Carry out lookups until cancelled."""
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(self._forget_what_others_write)
            for backend in self._watched:
                nursery.start_soon(self._forget_what_changes, backend)
            await nursery.start(self._cache.serve)
            await nursery.start(self._shadows.serve)
            task_status.started()

    async def connection(self, conn_id: str) -> Connection:
        """Find a connection.

        Raises:
            ConnectionNotFound: every backend was asked, and none has it.
            SecretsError: a backend failed, or what it has is no connection.
        """
        found = await self._cache.get(SecretKey(Kind.CONNECTION, conn_id))
        if found.text is None:
            raise ConnectionNotFound(conn_id, self._chain.names)
        try:
            connection = parse_connection(conn_id, found.text)
        except ConnectionInvalid as error:
            raise SecretsGarbled(str(found.backend), conn_id, str(error)) from None
        PROCESS.add(connection.secrets())
        return connection

    async def variable(self, key: str) -> str:
        """Find the text of a variable.

        Raises:
            VariableNotFound: every backend was asked, and none has it.
            SecretsError: a backend failed.
        """
        found = await self._cache.get(SecretKey(Kind.VARIABLE, key))
        if found.text is None:
            raise VariableNotFound(key, self._chain.names)
        PROCESS.add(variable_secrets(key, found.text))
        return found.text

    async def set_variable(self, key: str, value: str, description: str | None = None) -> None:
        """Write a variable to the metadata database, over what is there.

        Raises:
            SettingsError: it is a secret, and there is no key to encrypt it with.
        """
        PROCESS.add(variable_secrets(key, value))
        await self._store.set_variable(key, value, description)
        self._cache.forget(SecretKey(Kind.VARIABLE, key))
        self._shadows.check_nowait(key)

    async def delete_variable(self, key: str) -> None:
        """Delete a variable from the metadata database.

        Raises:
            VariableNotFound: it is not there.
        """
        if not await self._store.delete_variable(key):
            raise VariableNotFound(key, (self._store.name,))
        self._cache.forget(SecretKey(Kind.VARIABLE, key))

    async def variable_keys(self, prefix: str = "") -> Sequence[str]:
        """The keys in the metadata database that begin with `prefix`, sorted."""
        return await self._store.variable_keys(prefix)

    async def aclose(self) -> None:
        """Close every backend."""
        await self._chain.aclose()

    def statistics(self) -> SecretsStatistics:
        """The present numbers."""
        return SecretsStatistics(self._cache.statistics(), self._chain.statistics())

    async def _forget_what_others_write(self) -> None:
        while True:
            await self._wakeups.after(CHANNEL, self._wakeups.version(CHANNEL))
            self._cache.forget_all()

    async def _forget_what_changes(self, backend: WatchedSecretsBackend) -> None:
        try:
            await backend.watch(self._cache.forget_all)
        # Backends are plug-ins and may raise anything, whose words may be secret.
        except Exception as error:
            log.warning("secrets backend %r watches no more: %s", backend.name, type(error).__name__)
