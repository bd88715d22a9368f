from __future__ import annotations

import socket

import pytest

from flowcore.cli.reaching import HostUnreachable, reach
from flowcore.domain.connections import parse_connection
from flowcore.settings import Settings


def test_a_host_that_listens_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connection = parse_connection("web", f"http://127.0.0.1:{port}")
        assert reach(Settings(), connection) == f"127.0.0.1 answers on port {port}"


def test_a_host_that_does_not_listen_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = parse_connection("web", f"http://127.0.0.1:{server.getsockname()[1]}")
    with pytest.raises(HostUnreachable, match=r"127\.0\.0\.1 does not answer on port"):
        reach(Settings(), connection)


@pytest.mark.parametrize("uri", ["google-cloud-platform://", "sqlite://%2Ftmp%2Fdb", "odd://host"])
def test_without_a_place_nothing_is_tried(uri: str) -> None:
    assert reach(Settings(), parse_connection("x", uri)) == "it has no host and port that could be tried"
