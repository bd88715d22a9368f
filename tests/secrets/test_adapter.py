from __future__ import annotations

import threading

import anyio
import pytest

from flowcore.domain.connections import Connection, parse_connection
from flowcore.errors import SecretsUnavailable
from flowcore.secrets.adapter import ThreadedBackend, is_synchronous
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.guard import Guard, Limits
from flowcore.secrets.keys import Kind, SecretKey


class AirflowLike:
    """What a class written for Airflow looks like."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.threads: list[int] = []
        self.gate: threading.Event | None = None

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        self.threads.append(threading.get_ident())
        return f"http://{self.prefix}{conn_id}" if conn_id == "a" else None

    def get_variable(self, key: str, team_name: str | None = None) -> str | None:
        if self.gate is not None:
            self.gate.wait()
        return f"{self.prefix}{key}"


def test_a_backend_without_coroutines_is_synchronous() -> None:
    assert is_synchronous(AirflowLike())
    assert not is_synchronous(EnvironmentBackend())


async def test_a_synchronous_backend_runs_in_threads() -> None:
    synchronous = AirflowLike()
    backend = ThreadedBackend(synchronous, "airflow")
    assert await backend.get_connection("a") == "http://a"
    assert await backend.get_connection("b") is None
    assert await backend.get_variable("k") == "k"
    assert threading.get_ident() not in synchronous.threads


class BaseSecretsBackend:
    """Airflow's, which has every method."""

    def get_conn_value(self, conn_id: str) -> str | None:
        raise NotImplementedError

    def get_connection(self, conn_id: str) -> Connection | None:
        raise NotImplementedError

    def get_variable(self, key: str) -> str | None:
        raise NotImplementedError


async def test_what_a_class_does_not_keep_is_a_miss() -> None:
    class Neither(BaseSecretsBackend): ...

    backend = ThreadedBackend(Neither(), "airflow")
    assert await backend.get_connection("a") is None
    assert await backend.get_variable("k") is None


async def test_texts_of_older_releases_are_asked_for() -> None:
    class Old(BaseSecretsBackend):
        def get_conn_uri(self, conn_id: str) -> str:
            return {"a": "http://a"}.get(conn_id, "")

    backend = ThreadedBackend(Old(), "airflow")
    assert await backend.get_connection("a") == "http://a"
    assert await backend.get_connection("b") is None  # as in Airflow, an empty text is none


async def test_a_connection_may_come_as_an_object() -> None:
    class Objects(BaseSecretsBackend):
        def get_connection(self, *, conn_id: str) -> Connection | None:
            return made if conn_id == "a" else None

    made = parse_connection("a", "http://me:planted@host:80/path?a=1")
    backend = ThreadedBackend(Objects(), "airflow")
    text = await backend.get_connection("a")
    assert text is not None
    assert parse_connection("a", text) == made
    assert await backend.get_connection("b") is None


async def test_a_synchronous_backend_that_hangs_is_given_up() -> None:
    synchronous = AirflowLike()
    synchronous.gate = threading.Event()
    guard = Guard(ThreadedBackend(synchronous, "airflow"), Limits(deadline_s=0.05))
    try:
        with pytest.raises(SecretsUnavailable, match="did not answer"), anyio.fail_after(30):
            await guard.look_up(SecretKey(Kind.VARIABLE, "k"))
    finally:
        synchronous.gate.set()
