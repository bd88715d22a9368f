"""Runs a synchronous backend, such as one that was written for Airflow, in worker threads.

Such a class has `get_conn_value(conn_id)` and `get_variable(key)`; naming it in the settings is enough.
"""

from __future__ import annotations

import inspect
import math
from typing import Protocol, TypeGuard

import anyio
import anyio.to_thread


class SynchronousBackend(Protocol):
    """The part of Airflow's `BaseSecretsBackend` that is used."""

    def get_conn_value(self, conn_id: str) -> str | None: ...
    def get_variable(self, key: str) -> str | None: ...


def is_synchronous(backend: object) -> TypeGuard[SynchronousBackend]:
    """Whether the backend must run in threads."""
    return not inspect.iscoroutinefunction(getattr(backend, "get_variable", None))


class ThreadedBackend:
    """Implements `flowcore.abc.SecretsBackend` with a backend that blocks.

    A call that outlasts its deadline is abandoned: its thread ends when the backend's method returns.
    """

    def __init__(self, backend: SynchronousBackend, name: str) -> None:
        self.name = name
        self._backend = backend
        # The guard limits the calls; anyio's own limit would count abandoned ones on trio only.
        self._threads = anyio.CapacityLimiter(math.inf)

    async def get_connection(self, conn_id: str) -> str | None:
        return await anyio.to_thread.run_sync(
            self._backend.get_conn_value, conn_id, abandon_on_cancel=True, limiter=self._threads
        )

    async def get_variable(self, key: str) -> str | None:
        return await anyio.to_thread.run_sync(
            self._backend.get_variable, key, abandon_on_cancel=True, limiter=self._threads
        )

    async def aclose(self) -> None:
        """Airflow's backends are not closed."""
