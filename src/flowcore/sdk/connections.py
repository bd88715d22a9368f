"""`Connection`: where an outside system is and how to log in, as a task sees it."""

from __future__ import annotations

import json
from typing import Any

import attrs

from flowcore.domain import connections
from flowcore.errors import ConnectionInvalid
from flowcore.sdk.comms.messages import GetConnection
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.sdk.reaching import areach, reach
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


@attrs.frozen(kw_only=True, init=False)
class Connection(connections.Connection):
    """A connection; its fields are Airflow's, and `extra_dejson` is its extra as an object.

    `get` finds one for functions, `aget` for coroutines. It can be made too, of its fields or of a `uri`.

    Raises:
        ConnectionInvalid: a field or the URI cannot be used; says which one, and never quotes it.
    """

    def __init__(self, *, conn_id: str, uri: str | None = None, **fields: Any) -> None:
        if uri is not None:
            if fields:
                raise ConnectionInvalid(
                    f"connection {conn_id!r} cannot be made of a URI and of {', '.join(fields)};"
                    " leave one of them out"
                )
            fields = attrs.asdict(connections.parse_connection(conn_id, uri))
            del fields["conn_id"]
        self.__attrs_init__(conn_id=conn_id, **fields)

    @classmethod
    def from_uri(cls, uri: str, conn_id: str) -> Connection:
        """Read a connection from a URI."""
        return cls(conn_id=conn_id, uri=uri)

    @classmethod
    def from_json(cls, value: str, conn_id: str) -> Connection:
        """Read a connection from the text of a JSON object."""
        return cls(**attrs.asdict(connections.parse_connection(conn_id, value)))

    def as_json(self) -> str:
        """The connection as the text of a JSON object, without its id."""
        return json.dumps(self.to_document())

    def test_connection(self) -> tuple[bool, str]:
        """Try to reach the host for at most 5 s: whether it answers, and the same in words.

        Nothing is sent and nobody is logged in. Coroutines use `atest_connection`.
        """
        return reach(self)

    async def atest_connection(self) -> tuple[bool, str]:
        """The same as `test_connection` for coroutines."""
        return await areach(self)

    get = staticmethod(blocking(find_connection, face="Connection.get"))
    aget = staticmethod(awaiting(find_connection))
