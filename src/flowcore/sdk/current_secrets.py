"""How a task's code reaches connections and variables: through the process that its try runs in.

Where no try runs, as while a Dag file is read, only the environment is looked into.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import anyio.from_thread
import attrs
from anyio.lowlevel import EventLoopToken, current_token

from flowcore.domain.connections import Connection, parse_connection
from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import ConnectionNotFound, UsageError, VariableNotFound
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.masking import PROCESS

T = TypeVar("T")

_NO_TRY = "environment variables, which is all there is where no task runs"


class SecretsSource(Protocol):
    """Looks up and writes for the tries of a process; `flowcore.secrets.service.Secrets` is one."""

    async def connection(self, conn_id: str) -> Connection: ...
    async def variable(self, key: str) -> str: ...
    async def set_variable(self, key: str, value: str, description: str | None) -> None: ...
    async def delete_variable(self, key: str) -> None: ...
    async def variable_keys(self, prefix: str) -> Sequence[str]: ...


class EnvironmentOnly:
    """Implements `SecretsSource` where no try runs. Its methods never wait."""

    def __init__(self) -> None:
        self._environment = EnvironmentBackend()

    async def connection(self, conn_id: str) -> Connection:
        text = self._environment.connection_text(conn_id)
        if text is None:
            raise ConnectionNotFound(conn_id, (_NO_TRY,))
        connection = parse_connection(conn_id, text)
        PROCESS.add(connection.secrets())
        return connection

    async def variable(self, key: str) -> str:
        text = self._environment.variable_text(key)
        if text is None:
            raise VariableNotFound(key, (_NO_TRY,))
        PROCESS.add(variable_secrets(key, text))
        return text

    async def set_variable(self, key: str, value: str, description: str | None) -> None:
        raise _needs_task("set")

    async def delete_variable(self, key: str) -> None:
        raise _needs_task("deleted")

    async def variable_keys(self, prefix: str) -> Sequence[str]:
        raise _needs_task("listed")


@attrs.frozen
class _Access:
    """A source, and the loop that it works on."""

    source: SecretsSource
    loop: EventLoopToken
    loop_thread: int


_access: ContextVar[_Access | None] = ContextVar("flowcore_secrets", default=None)


@contextmanager
def current_secrets(source: SecretsSource) -> Iterator[None]:
    """Make `source` the one of the code in this block; for the runner only, on the loop's thread."""
    token = _access.set(_Access(source, current_token(), threading.get_ident()))
    try:
        yield
    finally:
        _access.reset(token)


async def ask(question: Callable[[SecretsSource], Awaitable[T]]) -> T:
    """Put a question to the current source."""
    access = _access.get()
    return await question(EnvironmentOnly() if access is None else access.source)


def ask_from_thread(question: Callable[[SecretsSource], Coroutine[Any, Any, T]], *, face: str) -> T:
    """The same for functions, which run in threads.

    Args:
        question: What to ask.
        face: What the author called, such as `Variable.get`.

    Raises:
        UsageError: it was called on the event loop, which would block.
    """
    access = _access.get()
    if access is None:
        return _result_of(question(EnvironmentOnly()))
    if threading.get_ident() == access.loop_thread:
        owner, _, name = face.rpartition(".")
        raise UsageError(
            f"{face}() was called on the event loop, which would block it; use `await {owner}.a{name}(...)`"
            " in coroutines"
        )
    # The token lets threads in that the author's function has started itself.
    return anyio.from_thread.run(question, access.source, token=access.loop)


def _result_of(coroutine: Coroutine[Any, Any, T]) -> T:
    # It never waits, so its first step is its last and it needs no loop.
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise UsageError("the environment has to be waited for; await the function's asynchronous twin")


def _needs_task(done: str) -> UsageError:
    return UsageError(f"variables cannot be {done} where no task runs; do it inside the function of a task")
