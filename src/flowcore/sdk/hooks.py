"""`BaseHook`: what hooks, the clients of outside systems, have in common."""

from __future__ import annotations

from flowcore.sdk.connections import Connection


class BaseHook:
    """Base of hooks; they find where to connect to in a connection."""

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The same as `Connection.get`, for functions."""
        return Connection.get(conn_id)

    @classmethod
    async def aget_connection(cls, conn_id: str) -> Connection:
        """The same as `get_connection` for coroutines."""
        return await Connection.aget(conn_id)
