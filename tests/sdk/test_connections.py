from __future__ import annotations

import anyio.to_thread
import pytest

from flowcore.errors import ConnectionInvalid
from flowcore.sdk import Connection
from tests.support.secret_backends import KeptSource, current_source


async def test_functions_and_coroutines_find_the_same_connection() -> None:
    with current_source(KeptSource()):
        found = await Connection.aget("web")
        assert found == await anyio.to_thread.run_sync(Connection.get, "web")
    assert isinstance(found, Connection)
    assert (found.conn_id, found.host, found.get_uri()) == ("web", "web.example", "http://web.example")


def test_a_connection_is_made_of_a_uri_or_of_json() -> None:
    made = Connection(conn_id="web", uri="http://me@web.example/path?a=1")
    assert made == Connection.from_uri("http://me@web.example/path?a=1", "web")
    assert made == Connection.from_json(made.as_json(), "web")
    assert (made.login, made.schema, made.extra_dejson) == ("me", "path", {"a": 1})


def test_a_uri_and_fields_are_too_much() -> None:
    with pytest.raises(ConnectionInvalid, match="of a URI and of host, port; leave one of them out"):
        Connection(conn_id="web", uri="http://web.example", host="other", port=1)
