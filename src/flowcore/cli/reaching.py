"""Whether the host of a connection accepts a TCP connection. Nothing is sent, so no password is tried."""

from __future__ import annotations

from functools import partial

import anyio

from flowcore.cli.event_loop import run_on_loop
from flowcore.domain.connections import Connection
from flowcore.errors import FlowcoreError
from flowcore.settings import Settings

DEADLINE_S = 5.0
#: Ports of types that are commonly left out.
_PORTS = {
    "ftp": 21,
    "http": 80,
    "https": 443,
    "imap": 993,
    "mysql": 3306,
    "postgres": 5432,
    "redis": 6379,
    "sftp": 22,
    "smtp": 25,
    "ssh": 22,
}


class HostUnreachable(FlowcoreError):
    """Nobody accepts TCP connections where a connection leads to."""


def reach(settings: Settings, connection: Connection) -> str:
    """Try to reach the host; what came of it in words.

    Raises:
        HostUnreachable: it does not answer.
    """
    host = (connection.host or "").rpartition("://")[2]
    port = connection.port or _PORTS.get(connection.conn_type)
    if not host or "/" in host or port is None:
        return "it has no host and port that could be tried"
    run_on_loop(settings.backend, partial(_connect, connection.conn_id, host, port))
    return f"{host} answers on port {port}"


async def _connect(conn_id: str, host: str, port: int) -> None:
    try:
        with anyio.fail_after(DEADLINE_S):
            stream = await anyio.connect_tcp(host, port)
    except (OSError, TimeoutError) as error:
        raise HostUnreachable(
            f"connection {conn_id!r}: {host} does not answer on port {port} ({str(error) or 'in time'}); "
            "see to the host, or to the network"
        ) from None
    await stream.aclose()
