from __future__ import annotations

import anyio.to_thread

from flowcore.sdk import Connection
from tests.support.secret_backends import KeptSource, current_source


async def test_functions_and_coroutines_find_the_same_connection() -> None:
    with current_source(KeptSource()):
        found = await Connection.aget("web")
        assert found == await anyio.to_thread.run_sync(Connection.get, "web")
    assert isinstance(found, Connection)
    assert (found.conn_id, found.host, found.get_uri()) == ("web", "web.example", "http://web.example")
