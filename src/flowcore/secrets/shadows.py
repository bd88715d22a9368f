"""`Shadows`: says so when a variable that was written cannot be seen, for a backend before the store has one.

Nobody waits for that: the backend may hang, and the write is done.
"""

from __future__ import annotations

import logging

import anyio
from anyio.abc import TaskGroup, TaskStatus

from flowcore.errors import SecretsError
from flowcore.secrets.chain import Chain
from flowcore.secrets.keys import Kind, SecretKey

log = logging.getLogger(__name__)

#: So many writes at a time are looked after; the others go unnoticed.
CHECKS_MAX = 16


class Shadows:
    """Looks after writes to the store of that name; `serve` must run wherever it is used."""

    def __init__(self, chain: Chain, store_name: str) -> None:
        self._chain, self._store_name = chain, store_name
        self._nursery: TaskGroup | None = None
        self._checks = 0

    async def serve(self, *, task_status: TaskStatus[None]) -> None:
        """Look after writes until cancelled."""
        async with anyio.create_task_group() as nursery:
            self._nursery = nursery
            try:
                task_status.started()
                await anyio.sleep_forever()
            finally:
                self._nursery = None

    def check_nowait(self, key: str) -> None:
        """The variable was written: log it if a backend before the store has another one."""
        if self._nursery is not None and self._checks < CHECKS_MAX:
            self._checks += 1
            self._nursery.start_soon(self._check, key)

    async def _check(self, key: str) -> None:
        try:
            found = await self._chain.look_up(SecretKey(Kind.VARIABLE, key))
        except SecretsError as error:
            log.warning("variable %r is written; whether something shadows it is unknown: %s", key, error)
            return
        finally:
            self._checks -= 1
        if found.backend != self._store_name:
            log.warning("variable %r is written, but %s has another one, which wins", key, found.backend)
