"""The guard against blocked loops catches a planted block, and only that."""

from __future__ import annotations

import time
from functools import partial

import anyio
import pytest

from tests.support.loop_watch import LoopWatch, watched_backends


@pytest.fixture(params=["asyncio", "trio"])
def backend(request):
    return request.param


def run_watched(coroutine_function, backend, watch=None):
    watch = watch or LoopWatch(limit_s=0.3)
    with watch.watching():
        anyio.run(coroutine_function, backend=backend, backend_options=watched_backends(watch)[backend])
    return watch.take_blockers()


@pytest.mark.slow
def test_watch_shows_the_call_that_blocked_the_loop(backend):
    watch = LoopWatch(limit_s=0.2)

    async def block():
        watch.noticed.wait(60)  # the fault to be found

    [stack] = run_watched(block, backend, watch)
    assert "watch.noticed.wait(60)" in stack


@pytest.mark.slow
def test_watch_shows_the_computation_that_blocked_the_loop(backend):
    watch = LoopWatch(limit_s=0.2)

    async def compute():
        while not watch.noticed.is_set():
            sum(range(1000))

    [stack] = run_watched(compute, backend, watch)
    assert "in compute" in stack


@pytest.mark.slow
def test_watch_ignores_a_loop_that_waits(backend):
    assert run_watched(partial(anyio.sleep, 0.6), backend) == []


@pytest.mark.slow
def test_watch_ignores_a_loop_that_is_busy_but_answers(backend):
    async def work():
        for _ in range(30):
            time.sleep(0.02)  # noqa: ASYNC251 - short enough
            await anyio.lowlevel.checkpoint()

    assert run_watched(work, backend) == []


@pytest.mark.slow
def test_watch_ignores_the_thread_after_its_loop_has_ended(backend):
    watch = LoopWatch(limit_s=0.3)
    with watch.watching():
        anyio.run(
            anyio.lowlevel.checkpoint, backend=backend, backend_options=watched_backends(watch)[backend]
        )
        time.sleep(0.6)
    assert watch.take_blockers() == []
