"""`BaseHook`: what hooks, the clients of outside systems, have in common."""

from __future__ import annotations

from flowcore.sdk.comms.questions import awaiting, blocking
from flowcore.sdk.connections import find_connection


class BaseHook:
    """Base of hooks; they find where to connect to in a connection.

    `get_connection` is `Connection.get` for functions, `aget_connection` is `Connection.aget`.
    """

    get_connection = staticmethod(blocking(find_connection, face="BaseHook.get_connection"))
    aget_connection = staticmethod(awaiting(find_connection))
