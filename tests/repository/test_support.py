"""The test support itself: a plausible fault of each kind is caught."""

from __future__ import annotations

import time

import anyio
import psycopg
import pytest

from tests.support.loop_watch import LoopWatch, watched_backends


async def test_coroutine_tests_run_on_the_backend_of_their_id(anyio_backend_name, request):
    import sniffio

    assert sniffio.current_async_library() == anyio_backend_name
    assert anyio_backend_name in request.node.name


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_watch_names_the_line_that_blocks_the_loop(backend):
    watch = LoopWatch(limit_s=0.2)

    async def block():
        await anyio.lowlevel.checkpoint()
        time.sleep(0.6)

    with watch.watching():
        anyio.run(block, backend=backend, backend_options=watched_backends(watch)[backend])
    [stack] = watch.take_blockers()
    assert "time.sleep(0.6)" in stack


async def test_postgres_answers(postgres_url):
    async with anyio.create_task_group():
        with psycopg.connect(postgres_url) as connection:
            assert connection.execute("select current_database()").fetchone()[0] in postgres_url


def test_database_url(database_url):
    assert database_url.startswith(("sqlite:///", "postgresql://"))
