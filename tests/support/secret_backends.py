"""Secrets for tests: a backend that can be made slow or broken, and a source for the SDK."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import anyio
import attrs

from flowcore.domain.connections import Connection, parse_connection
from flowcore.errors import VariableNotFound
from flowcore.runner.answers import Answers
from flowcore.runner.loop_comms import LoopComms
from flowcore.sdk.comms.questions import current_comms
from tests.runner.tries import sources_of, workload_of


@attrs.define(eq=False)
class KeptBackend:
    """Answers from dictionaries; waits for `gate` first, and raises `error` if there is one."""

    name: str = "kept"
    connections: Mapping[str, str] = attrs.field(factory=dict)
    variables: Mapping[str, object] = attrs.field(factory=dict)
    error: Exception | None = None
    gate: anyio.Event | None = None
    calls: list[str] = attrs.field(factory=list)
    is_closed: bool = False

    async def get_connection(self, conn_id: str) -> str | None:
        await self._answer(conn_id)
        return self.connections.get(conn_id)

    async def get_variable(self, key: str) -> str | None:
        await self._answer(key)
        return self.variables.get(key)  # type: ignore[return-value]

    async def aclose(self) -> None:
        self.is_closed = True

    async def _answer(self, name: str) -> None:
        self.calls.append(name)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error


@attrs.define
class HandClock:
    """Monotonic seconds that a test moves."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


class KeptSource:
    """A source that answers at once, on the loop's thread only."""

    def __init__(self) -> None:
        self.variables = {"colour": "green", "sizes": "[1, 2]"}
        self.thread = threading.get_ident()

    async def connection(self, conn_id: str) -> Connection:
        return parse_connection(conn_id, f"http://{conn_id}.example")

    async def variable(self, key: str) -> str:
        assert threading.get_ident() == self.thread
        if key not in self.variables:
            raise VariableNotFound(key, ("kept",))
        return self.variables[key]

    async def set_variable(self, key: str, value: str, description: str | None) -> None:
        self.variables[key] = value

    async def delete_variable(self, key: str) -> None:
        del self.variables[key]

    async def variable_keys(self, prefix: str) -> list[str]:
        return [key for key in self.variables if key.startswith(prefix)]


@contextmanager
def current_source(source: KeptSource) -> Iterator[None]:
    """Let the code in the block ask `source`, as a try in this process does."""
    with current_comms(LoopComms(Answers(workload_of("asking"), sources_of(secrets=source)))):
        yield
