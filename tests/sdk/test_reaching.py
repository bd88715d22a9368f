from __future__ import annotations

import socket

import pytest

from flowcore.sdk import Connection


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def outcomes(uri: str) -> tuple[bool, str]:
    """What both methods say."""
    connection = Connection(conn_id="web", uri=uri)
    said = connection.test_connection()
    assert await connection.atest_connection() == said
    return said


async def test_a_host_that_listens_answers(listening: int) -> None:
    said = await outcomes(f"http://127.0.0.1:{listening}")
    assert said == (True, f"127.0.0.1 answers on port {listening}")


async def test_a_host_that_does_not_listen_is_told_with_the_reason() -> None:
    connection = Connection(conn_id="web", uri="http://me:hidden@127.0.0.1:1")
    for answers, reason in (connection.test_connection(), await connection.atest_connection()):
        assert not answers
        assert reason.startswith("connection 'web': 127.0.0.1 does not answer on port 1 (")
        assert reason.endswith("see to the host, or to the network")


async def test_a_name_that_no_host_can_have_is_told() -> None:
    connection = Connection(conn_id="web", uri="http://a..b")
    for answers, reason in (connection.test_connection(), await connection.atest_connection()):
        assert not answers
        assert "a..b does not answer on port 80" in reason


@pytest.mark.parametrize("uri", ["google-cloud-platform://", "sqlite://%2Ftmp%2Fdb", "odd://host"])
async def test_without_a_place_nothing_is_tried(uri: str) -> None:
    assert await outcomes(uri) == (False, "it has no host and port that could be tried")
