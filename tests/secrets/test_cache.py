from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import attrs
import pytest

from flowcore.errors import SecretsUnavailable
from flowcore.secrets.cache import ENTRIES_MAX, Cache
from flowcore.secrets.chain import Found
from flowcore.secrets.keys import Kind, SecretKey
from tests.support.secret_backends import HandClock

KEY = SecretKey(Kind.VARIABLE, "colour")


@attrs.define(eq=False)
class Lookups:
    """Counts lookups; they wait for the gate, and answer what stands here when they are let through."""

    answer: Found | Exception = attrs.field(factory=lambda: Found("green", "a"))
    gate: anyio.Event | None = None
    count: int = 0

    async def __call__(self, key: SecretKey) -> Found:
        self.count += 1
        answer = self.answer
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def serving(lookups: Lookups, clock: HandClock | None = None) -> AsyncIterator[Cache]:
    cache = Cache(lookups, ttl_s=60.0, miss_ttl_s=5.0, monotonic=clock or HandClock())
    async with anyio.create_task_group() as nursery:
        await nursery.start(cache.serve)
        yield cache
        nursery.cancel_scope.cancel()


async def test_a_thousand_concurrent_requests_are_one_lookup() -> None:
    lookups = Lookups(gate=anyio.Event())
    answers = []

    async def get(cache: Cache) -> None:
        answers.append(await cache.get(KEY))

    async with serving(lookups) as cache, anyio.create_task_group() as nursery:
        for _ in range(1_000):
            nursery.start_soon(get, cache)
        await anyio.wait_all_tasks_blocked()
        assert lookups.gate is not None
        lookups.gate.set()
    assert (lookups.count, answers) == (1, [Found("green", "a")] * 1_000)


@pytest.mark.parametrize(("answer", "ttl_s"), [(Found("green", "a"), 60.0), (Found(None, None), 5.0)])
async def test_answers_are_remembered_for_a_while(answer: Found, ttl_s: float) -> None:
    lookups, clock = Lookups(answer), HandClock()
    async with serving(lookups, clock) as cache:
        for clock.seconds, count in ((0.0, 1), (ttl_s - 0.1, 1), (ttl_s, 2)):
            assert await cache.get(KEY) == answer
            assert lookups.count == count


async def test_an_uncertain_answer_is_not_remembered() -> None:
    lookups = Lookups(Found("green", "b", is_certain=False))
    async with serving(lookups) as cache:
        await cache.get(KEY)
        await cache.get(KEY)
    assert lookups.count == 2


async def test_an_error_reaches_everybody_who_waits_and_is_not_remembered() -> None:
    lookups = Lookups(SecretsUnavailable("a", "colour", "it is away"), gate=anyio.Event())
    errors = []

    async def get(cache: Cache) -> None:
        with pytest.raises(SecretsUnavailable) as caught:
            await cache.get(KEY)
        errors.append(caught.value)

    async with serving(lookups) as cache:
        async with anyio.create_task_group() as nursery:
            for _ in range(3):
                nursery.start_soon(get, cache)
            await anyio.wait_all_tasks_blocked()
            assert lookups.gate is not None
            lookups.gate.set()
        assert (len(errors), lookups.count) == (3, 1)
        lookups.answer = Found("green", "a")
        assert (await cache.get(KEY)).text == "green"


async def test_a_cancelled_caller_takes_the_answer_from_nobody() -> None:
    lookups = Lookups(gate=anyio.Event())
    answers = []

    async def get(cache: Cache) -> None:
        answers.append((await cache.get(KEY)).text)

    async with serving(lookups) as cache, anyio.create_task_group() as patient:
        async with anyio.create_task_group() as impatient:
            impatient.start_soon(get, cache)
            await anyio.wait_all_tasks_blocked()
            patient.start_soon(get, cache)
            await anyio.wait_all_tasks_blocked()
            impatient.cancel_scope.cancel()
        assert lookups.gate is not None
        lookups.gate.set()
    assert (lookups.count, answers) == (1, ["green"])


async def test_what_was_forgotten_is_looked_up_again() -> None:
    lookups = Lookups()
    async with serving(lookups) as cache:
        for forget in (lambda: cache.forget(KEY), cache.forget_all):
            await cache.get(KEY)
            lookups.answer = Found("blue", "a")
            forget()
            assert (await cache.get(KEY)).text == "blue"


async def test_a_lookup_that_began_before_a_write_is_not_remembered() -> None:
    lookups = Lookups(gate=anyio.Event())
    answers = []

    async def get(cache: Cache) -> None:
        answers.append((await cache.get(KEY)).text)

    async with serving(lookups) as cache:
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(get, cache)
            await anyio.wait_all_tasks_blocked()
            lookups.answer = Found("blue", "a")
            cache.forget(KEY)
            assert lookups.gate is not None
            lookups.gate.set()
        assert answers == ["green"]
        assert (await cache.get(KEY)).text == "blue"


async def test_a_cache_that_has_stopped_answers_nobody() -> None:
    async with serving(Lookups()) as cache:
        pass
    with pytest.raises(SecretsUnavailable, match="flowcore is stopping"):
        await cache.get(KEY)


async def test_those_who_wait_when_it_stops_are_told() -> None:
    lookups = Lookups(gate=anyio.Event())

    async def get(cache: Cache) -> None:
        with pytest.raises(SecretsUnavailable, match="flowcore is stopping"):
            await cache.get(KEY)

    async with anyio.create_task_group() as nursery, serving(lookups) as cache:
        nursery.start_soon(get, cache)
        await anyio.wait_all_tasks_blocked()


@pytest.mark.slow
async def test_it_does_not_grow_for_ever() -> None:
    async with serving(Lookups()) as cache:
        for number in range(ENTRIES_MAX + 10):
            await cache.get(SecretKey(Kind.VARIABLE, str(number)))
        assert cache.statistics().entries == ENTRIES_MAX
