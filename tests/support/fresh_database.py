"""A database of one's own on a running server, and the check that its user left no connection open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

LEAVE_S = 30.0


class ConnectionsLeft(AssertionError):
    """Somebody still holds connections to a database that is to be dropped."""

    def __init__(self, name: str, queries: list[str]) -> None:
        listed = "; ".join(queries)
        super().__init__(f"{len(queries)} connections to {name} were left open (last: {listed}); close them")


@contextmanager
def fresh_database(server_url: str, name: str, *, leave_s: float = LEAVE_S) -> Iterator[str]:
    """Create an empty database, yield its URL, and drop it.

    Raises:
        ConnectionsLeft: the block ended well but left connections open.
    """
    with psycopg.connect(server_url, autocommit=True) as connection:
        identifier = sql.Identifier(name)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
            _wait_until_left(connection, name, leave_s)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def _wait_until_left(connection: psycopg.Connection, name: str, leave_s: float) -> None:
    deadline = time.monotonic() + leave_s
    # A server process notices only some milliseconds later that its client has gone.
    while queries := _queries_of_connections(connection, name):
        if time.monotonic() > deadline:
            raise ConnectionsLeft(name, queries)
        time.sleep(0.005)


def _queries_of_connections(connection: psycopg.Connection, name: str) -> list[str]:
    cursor = connection.execute(
        "SELECT query FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'", [name]
    )
    return [query for (query,) in cursor]
