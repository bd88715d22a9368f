"""A way to the server that can be cut and blocked: one for each scheduler."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteStream, SocketStream

_GONE = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)


class Proxy:
    """Hands bytes on between clients and a port of loopback."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._cut, self._open, self._blocks = anyio.Event(), anyio.Event(), 0
        self._open.set()
        self.port = 0

    def cut(self) -> None:
        """End all connections at once; new ones can be made."""
        self._cut.set()
        self._cut = anyio.Event()

    @asynccontextmanager
    async def blocked(self) -> AsyncIterator[None]:
        """Let nothing through for the duration of the block, nor say so: as a network that is away."""
        self._blocks += 1
        if self._open.is_set():
            self._open = anyio.Event()
        try:
            yield
        finally:
            self._blocks -= 1
            if not self._blocks:
                self._open.set()

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Run until cancelled; `port` is known once it has started."""
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            self.port = int(listener.extra(anyio.abc.SocketAttribute.local_port))
            task_status.started()
            await listener.serve(self._connect)

    async def _connect(self, client: SocketStream) -> None:
        cut = self._cut
        with suppress(*_GONE):
            async with (
                client,
                await anyio.connect_tcp("127.0.0.1", self._server_port) as server,
                anyio.create_task_group() as nursery,
            ):
                for one, other in ((client, server), (server, client)):
                    nursery.start_soon(self._hand_on, one, other, nursery.cancel_scope)
                await cut.wait()
                nursery.cancel_scope.cancel()

    async def _hand_on(self, one: ByteStream, other: ByteStream, either: anyio.CancelScope) -> None:
        with suppress(*_GONE):
            while True:
                received = await one.receive()
                await self._open.wait()
                await other.send(received)
        either.cancel()
