from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

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
    secrets = Secrets(chain, store=store, wakeups=wakeups or Wakeups())
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


async def test_writing_a_variable_that_is_shadowed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(KeptBackend("vault", variables={"a": "b"})) as secrets:
        await secrets.set_variable("a", "c")
        assert await secrets.variable("a") == "b"
    assert caplog.messages == ["variable 'a' is written, but vault has another one, which wins"]


async def test_a_backend_that_is_away_does_not_stop_a_write(caplog: pytest.LogCaptureFixture) -> None:
    denies = KeptBackend("vault", error=PermissionError())
    with caplog.at_level(logging.WARNING):
        async with serving(denies) as secrets:
            await secrets.set_variable("a", "c")
            assert list(await secrets.variable_keys()) == ["a"]
    assert "whether something shadows it is unknown" in caplog.text


async def test_a_slow_backend_delays_only_those_who_need_it() -> None:
    slow = KeptBackend("vault", gate=anyio.Event(), error=SecretsUnavailable("vault", "a", "away"))
    async with serving(slow, variables={"b": "there"}) as secrets, anyio.create_task_group() as nursery:
        nursery.start_soon(secrets.variable, "b")
        await anyio.wait_all_tasks_blocked()
        assert list(await secrets.variable_keys()) == ["b"]
        assert slow.gate is not None
        slow.gate.set()
