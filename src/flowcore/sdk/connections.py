"""`Connection`: where an outside system is and how to log in, as a task sees it."""

from __future__ import annotations

import attrs

from flowcore.domain import connections
from flowcore.sdk.comms.messages import GetConnection
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.secrets.masking import PROCESS


def find_connection(conn_id: str) -> Question[Connection]:
    """Find a connection in the operator's secrets backend, the environment or the database.

    Raises:
        ConnectionNotFound: none of them has it.
        SecretsError: one of them failed, or what it has is no connection.
    """
    found = (yield from ask(GetConnection(conn_id))).connection
    PROCESS.add(found.secrets())
    return Connection(**attrs.asdict(found))


@attrs.frozen(kw_only=True)
class Connection(connections.Connection):
    """A connection; its fields are Airflow's, and `extra_dejson` is its extra as an object.

    `get` finds one for functions, `aget` for coroutines.
    """

    get = staticmethod(blocking(find_connection, face="Connection.get"))
    aget = staticmethod(awaiting(find_connection))
