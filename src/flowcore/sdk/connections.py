"""`Connection`: where an outside system is and how to log in, as a task sees it."""

from __future__ import annotations

from typing import Self

import attrs

from flowcore.domain import connections
from flowcore.sdk.current_secrets import ask, ask_from_thread


@attrs.frozen(kw_only=True)
class Connection(connections.Connection):
    """A connection; its fields are Airflow's, and `extra_dejson` is its extra as an object."""

    @classmethod
    def get(cls, conn_id: str) -> Self:
        """Find a connection in the operator's secrets backend, the environment or the database.

        For functions.

        Raises:
            ConnectionNotFound: none of them has it.
            SecretsError: one of them failed, or what it has is no connection.
            UsageError: it was called in a coroutine; await `aget` there.
        """
        found = ask_from_thread(lambda source: source.connection(conn_id), face="Connection.get")
        return cls(**attrs.asdict(found))

    @classmethod
    async def aget(cls, conn_id: str) -> Self:
        """The same as `get` for coroutines."""
        return cls(**attrs.asdict(await ask(lambda source: source.connection(conn_id))))
