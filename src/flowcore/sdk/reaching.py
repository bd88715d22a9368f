"""Whether the host of a connection accepts a TCP connection. Nothing is sent, so no password is tried."""

from __future__ import annotations

import socket

from flowcore.domain.connections import Connection

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
_NOWHERE = "it has no host and port that could be tried"


def place_of(connection: Connection) -> tuple[str, int] | None:
    """The host and the port, if it leads to one."""
    host = (connection.host or "").rpartition("://")[2]
    port = connection.port or _PORTS.get(connection.conn_type)
    return (host, port) if host and "/" not in host and port else None


def reach(connection: Connection) -> tuple[bool, str]:
    """Try to reach the host for some seconds: whether it answers, and the same in words."""
    place = place_of(connection)
    if place is None:
        return False, _NOWHERE
    try:
        socket.create_connection(place, timeout=DEADLINE_S).close()
    except (OSError, UnicodeError) as error:
        return False, _refusal(connection, place, error)
    return True, _success(place)


async def areach(connection: Connection) -> tuple[bool, str]:
    """The same as `reach` for coroutines."""
    import anyio  # here, for Dag files that only declare tasks load no event loop

    place = place_of(connection)
    if place is None:
        return False, _NOWHERE
    try:
        with anyio.fail_after(DEADLINE_S):
            stream = await anyio.connect_tcp(*place)
    except (OSError, UnicodeError) as error:
        return False, _refusal(connection, place, error)
    await stream.aclose()
    return True, _success(place)


def _success(place: tuple[str, int]) -> str:
    return f"{place[0]} answers on port {place[1]}"


def _refusal(connection: Connection, place: tuple[str, int], error: Exception) -> str:
    reason = "in time" if isinstance(error, TimeoutError) else str(error)
    return (
        f"connection {connection.conn_id!r}: {place[0]} does not answer on port {place[1]} ({reason});"
        " see to the host, or to the network"
    )
