from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from flowcore.abc import WatchedSecretsBackend
from flowcore.concurrency.wakeups import Wakeups
from flowcore.errors import (
    ConnectionNotFound,
    SecretsError,
    SecretsGarbled,
    SecretsUnavailable,
    VariableNotFound,
)
from flowcore.secrets.chain import Chain
from flowcore.secrets.guard import Guard
from flowcore.secrets.masking import PROCESS
from flowcore.secrets.service import CHANNEL, Secrets
from tests.support.planted_secrets import plant
from tests.support.secret_backends import KeptBackend


class KeptStore(KeptBackend):
    """A backend that is written to."""

    async def set_variable(self, key: str, value: str, description: str | None) -> None:
        self.variables = {**self.variables, key: value}

    async def delete_variable(self, key: str) -> bool:
        found = key in self.variables
        self.variables = {kept: value for kept, value in self.variables.items() if kept != key}
        return found

    async def variable_keys(self, prefix: str) -> list[str]:
        return [key for key in self.variables if key.startswith(prefix)]


@asynccontextmanager
async def serving(
    *backends: KeptBackend, wakeups: Wakeups | None = None, **stored: Any
) -> AsyncIterator[Secrets]:
    store = KeptStore("store", **stored)
    chain = Chain([Guard(backend) for backend in (*backends, store)])
    watched = [backend for backend in backends if isinstance(backend, WatchedSecretsBackend)]
    secrets = Secrets(chain, store=store, wakeups=wakeups or Wakeups(), watched=watched)
    async with anyio.create_task_group() as nursery:
        await nursery.start(secrets.serve)
        yield secrets
        nursery.cancel_scope.cancel()


async def test_a_connection_is_found_and_its_secrets_are_masked_from_then_on() -> None:
    one, two = plant(), plant()
    uri = f"http://me:{one}@host?api_key={two}&region=europe"
    async with serving(connections={"a": uri}) as secrets:
        assert (await secrets.connection("a")).password == one
    assert PROCESS.mask(f"{one} {two} europe") == "*** *** europe"


async def test_what_is_missing_is_told_with_where_it_was_looked_for() -> None:
    async with serving(KeptBackend("vault")) as secrets:
        with pytest.raises(ConnectionNotFound, match="no connection 'a' in vault, store; add it with"):
            await secrets.connection("a")
        with pytest.raises(VariableNotFound, match="no variable 'a' in vault, store; set it with"):
            await secrets.variable("a")


async def test_a_malformed_connection_names_the_backend_that_has_it() -> None:
    async with serving(connections={"a": "planted"}) as secrets:
        with pytest.raises(
            SecretsGarbled, match=r"'store' cannot look up 'a'.*does not begin with"
        ) as caught:
            await secrets.connection("a")
    assert "planted" not in str(caught.value)


async def test_an_id_that_is_none_is_an_error() -> None:
    async with serving(connections={"a b": "http://host"}) as secrets:
        with pytest.raises(SecretsError, match="no id of a connection"):
            await secrets.connection("a b")


async def test_a_write_is_seen_at_once() -> None:
    async with serving(variables={"colour": "green"}) as secrets:
        assert await secrets.variable("colour") == "green"
        await secrets.set_variable("colour", "blue")
        assert await secrets.variable("colour") == "blue"
        await secrets.delete_variable("colour")
        with pytest.raises(VariableNotFound):
            await secrets.variable("colour")


async def test_a_write_of_another_process_is_seen_when_it_is_heard_of() -> None:
    wakeups, backend = Wakeups(), KeptBackend("vault", variables={"colour": "green"})
    async with serving(backend, wakeups=wakeups) as secrets:
        await secrets.variable("colour")
        backend.variables = {"colour": "blue"}
        assert await secrets.variable("colour") == "green"
        await anyio.wait_all_tasks_blocked()
        wakeups.set(CHANNEL)
        await anyio.wait_all_tasks_blocked()
        assert await secrets.variable("colour") == "blue"


async def test_what_is_not_there_cannot_be_deleted() -> None:
    async with serving(KeptBackend("vault", variables={"a": "b"})) as secrets:
        with pytest.raises(VariableNotFound, match="no variable 'a' in store"):
            await secrets.delete_variable("a")


class WatchedBackend(KeptBackend):
    """Tells of a change when `change` is called."""

    notice: Callable[[], None] | None = None
    watch_error: Exception | None = None

    async def watch(self, notice: Callable[[], None]) -> None:
        if self.watch_error is not None:
            raise self.watch_error
        self.notice = notice
        await anyio.sleep_forever()

    def change(self, **variables: str) -> None:
        self.variables = variables
        assert self.notice is not None
        self.notice()


async def test_what_a_watched_backend_tells_of_is_looked_up_again() -> None:
    backend = WatchedBackend("files", variables={"colour": "green"})
    async with serving(backend) as secrets:
        assert await secrets.variable("colour") == "green"
        backend.change(colour="blue")
        assert await secrets.variable("colour") == "blue"


async def test_a_backend_that_cannot_watch_is_asked_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    backend = WatchedBackend("files", variables={"colour": "green"})
    backend.watch_error = OSError("planted")
    async with serving(backend) as secrets:
        assert await secrets.variable("colour") == "green"
    assert caplog.messages == ["secrets backend 'files' watches no more: OSError"]


async def test_a_backend_that_hangs_does_not_delay_a_write() -> None:
    async with serving(KeptBackend("vault", gate=anyio.Event())) as secrets:
        await secrets.set_variable("a", "c")
        assert list(await secrets.variable_keys()) == ["a"]


async def test_a_slow_backend_delays_only_those_who_need_it() -> None:
    slow = KeptBackend("vault", gate=anyio.Event(), error=SecretsUnavailable("vault", "a", "away"))
    async with serving(slow, variables={"b": "there"}) as secrets, anyio.create_task_group() as nursery:
        nursery.start_soon(secrets.variable, "b")
        await anyio.wait_all_tasks_blocked()
        assert list(await secrets.variable_keys()) == ["b"]
        assert slow.gate is not None
        slow.gate.set()
