from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from flowcore.secrets.chain import Chain
from flowcore.secrets.guard import Guard
from flowcore.secrets.shadows import CHECKS_MAX, Shadows
from tests.support.secret_backends import KeptBackend


@asynccontextmanager
async def serving(backend: KeptBackend) -> AsyncIterator[Shadows]:
    """Looks after writes to a store behind the backend."""
    store = KeptBackend("store", variables={"a": "c"})
    shadows = Shadows(Chain([Guard(backend), Guard(store)]), "store")
    async with anyio.create_task_group() as nursery:
        await nursery.start(shadows.serve)
        yield shadows
        await anyio.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


async def test_a_variable_that_is_shadowed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(KeptBackend("vault", variables={"a": "b"})) as shadows:
        shadows.check_nowait("a")
    assert caplog.messages == ["variable 'a' is written, but vault has another one, which wins"]


async def test_a_variable_that_can_be_seen_is_not(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(KeptBackend("vault")) as shadows:
        shadows.check_nowait("a")
    assert caplog.messages == []


async def test_a_backend_that_refuses_leaves_it_unknown(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(KeptBackend("vault", error=PermissionError())) as shadows:
        shadows.check_nowait("a")
    [said] = caplog.messages
    assert said.startswith("variable 'a' is written; whether something shadows it is unknown: ")


async def test_a_backend_that_hangs_gathers_no_crowd() -> None:
    hangs = KeptBackend("vault", gate=anyio.Event())
    async with serving(hangs) as shadows:
        for _ in range(100):
            shadows.check_nowait("a")
    assert len(hangs.calls) == CHECKS_MAX
