"""Runs a synchronous backend, such as one that was written for Airflow, in worker threads.

Naming such a class in the settings is enough. It is asked as Airflow asks it: by keyword, its own
`get_connection` before its `get_conn_value`, and that before the `get_conn_uri` of older releases.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread

_CONNECTIONS = ("get_connection", "deserialize_connection")
_CONNECTION_TEXTS = ("get_conn_value", "get_conn_uri")
_FIELDS = ("conn_type", "host", "login", "password", "schema", "port", "extra", "description")


def is_synchronous(backend: object) -> bool:
    """Whether the backend must run in threads."""
    return not inspect.iscoroutinefunction(getattr(backend, "get_variable", None))


def keeps_something(backend: object) -> bool:
    """Whether a synchronous backend has any of the methods that it is asked with."""
    return any(_has_own(backend, method) for method in (*_CONNECTIONS, *_CONNECTION_TEXTS, "get_variable"))


class ThreadedBackend:
    """Implements `flowcore.abc.SecretsBackend` with a backend that blocks.

    A call that outlasts its deadline is abandoned: its thread ends when the backend's method returns.
    """

    def __init__(self, backend: Any, name: str) -> None:
        self.name = name
        self._backend = backend
        # The guard limits the calls; anyio's own limit would count abandoned ones on trio only.
        self._threads = anyio.CapacityLimiter(math.inf)

    async def get_connection(self, conn_id: str) -> str | None:
        return await self._call(partial(_connection, self._backend, conn_id))

    async def get_variable(self, key: str) -> str | None:
        if not _has_own(self._backend, "get_variable"):
            return None
        return await self._call(partial(self._backend.get_variable, key=key))

    async def aclose(self) -> None:
        """Airflow's backends are not closed."""

    async def _call(self, ask: Callable[[], Any]) -> str | None:
        # What is no text is for the guard to complain of.
        found: str | None = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=self._threads)
        return found


def _connection(backend: Any, conn_id: str) -> Any:
    if any(_has_own(backend, method) for method in _CONNECTIONS):
        return _text_of(backend.get_connection(conn_id=conn_id))
    for method in _CONNECTION_TEXTS:
        if _has_own(backend, method):
            return getattr(backend, method)(conn_id=conn_id) or None
    return None


def _text_of(found: Any) -> Any:
    if not hasattr(found, "conn_type"):
        return found
    return json.dumps({name: getattr(found, name, None) for name in _FIELDS})


def _has_own(backend: object, method: str) -> bool:
    # Airflow's base class has all of the methods, and its own ones raise or call the others.
    owner = next((cls for cls in type(backend).__mro__ if method in vars(cls)), None)
    return owner is not None and owner.__name__ != "BaseSecretsBackend"
