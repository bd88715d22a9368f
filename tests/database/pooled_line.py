"""A line to the server that shows a number of its own for the server process, as a pooler does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream

#: BackendKeyData: its length, the process, and its key, before ReadyForQuery.
_PROCESS = re.compile(rb"K\0\0\0\x0c.{4}(?=.{4}Z\0\0\0\x05I$)", re.DOTALL)
_ANOTHER = b"K\0\0\0\x0c\0\0\0\x01"


@asynccontextmanager
async def pooled_line(server_url: str) -> AsyncIterator[str]:
    """Open such a line for the duration of the block; the server's URL by way of it."""
    parts = urlsplit(server_url)

    async def carry(client: SocketStream) -> None:
        server = await anyio.connect_tcp(parts.hostname or "", parts.port or 5432)
        async with client, server, anyio.create_task_group() as nursery:
            nursery.start_soon(_carry, client, server, nursery.cancel_scope)
            nursery.start_soon(_carry, server, client, nursery.cancel_scope)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as nursery,
    ):
        nursery.start_soon(listener.serve, carry)
        port = listener.extra(SocketAttribute.local_port)
        yield parts._replace(netloc=f"{parts.username}@127.0.0.1:{port}").geturl()
        nursery.cancel_scope.cancel()


async def _carry(source: ByteStream, target: ByteStream, line: anyio.CancelScope) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for data in source:
            await target.send(_PROCESS.sub(_ANOTHER, data))
    line.cancel()
