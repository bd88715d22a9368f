"""Backends for tests: one that keeps what it is told to, and can be made slow or broken."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import attrs


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
