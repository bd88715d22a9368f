"""A line to the server that is cut at a chosen moment of a commit."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from enum import StrEnum, auto
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketAttribute, SocketStream

COMMIT = re.compile(rb"COMMIT;?\0")


class Cut(StrEnum):
    """When the line is cut, once; the server sees the end of it, save in a partition."""

    NEVER = auto()
    BEFORE_COMMIT = auto()
    AFTER_COMMIT = auto()
    PARTITION = auto()


class CutLine:
    """A proxy before a server. Set `next_cut` to cut the connection that commits next."""

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname or "", parts.port or 5432)
        self._parts = parts
        self._servers = AsyncExitStack()
        self._is_deaf = False
        self.next_cut = Cut.NEVER
        self.cuts = 0
        self.refuses = False
        """Whether new connections are closed at once."""
        self.refuses_after_cut = False
        self.when_cut: Callable[[], None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The server's URL by way of this line."""
        return self._parts._replace(netloc=f"{self._parts.username}@127.0.0.1:{self.port}").geturl()

    async def carry(self, client: SocketStream) -> None:
        """Serve one connection to its end."""
        if self.refuses:
            await client.aclose()
            return
        server = await anyio.connect_tcp(*self._server)
        self._servers.push_async_callback(server.aclose)
        async with client, anyio.create_task_group() as nursery:
            nursery.start_soon(self._carry_answers, server, client, nursery.cancel_scope)
            await self._carry_questions(client, server)
            nursery.cancel_scope.cancel()

    async def aclose(self) -> None:
        """End the connections to the server, also those that a partition left."""
        await self._servers.aclose()

    async def _carry_questions(self, client: SocketStream, server: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in client:
                if COMMIT.search(data) and self.next_cut is not Cut.NEVER:
                    await self._cut(data, server)
                    return
                await server.send(data)
            await server.aclose()

    async def _carry_answers(
        self, server: SocketStream, client: SocketStream, line: anyio.CancelScope
    ) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in server:
                if self._is_deaf:
                    self._is_deaf = False  # the answer to COMMIT arrived, and goes no further
                    break
                await client.send(data)
        line.cancel()

    async def _cut(self, commit: bytes, server: SocketStream) -> None:
        cut, self.next_cut = self.next_cut, Cut.NEVER
        self.cuts += 1
        self.refuses = self.refuses_after_cut
        if self.when_cut is not None:
            self.when_cut()
        if cut is Cut.AFTER_COMMIT:
            self._is_deaf = True
            await server.send(commit)
            await anyio.sleep_forever()  # until the answer ends the line
        if cut is Cut.BEFORE_COMMIT:
            await server.aclose()


@asynccontextmanager
async def cut_line(server_url: str) -> AsyncIterator[CutLine]:
    """Open such a line for the duration of the block."""
    line = CutLine(server_url)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as nursery:
        line.port = listener.extra(SocketAttribute.local_port)
        nursery.start_soon(listener.serve, line.carry)
        yield line
        nursery.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await line.aclose()
