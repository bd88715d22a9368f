"""Every coroutine test runs twice, under asyncio and under trio, and fails when it blocks the loop.

`anyio_mode = "auto"` in `pyproject.toml` hands coroutine tests to AnyIO's plugin. A test that starts
a loop itself asks for `anyio_backend_name`; one that needs another loop overrides `anyio_backend`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.support.loop_watch import LoopWatch, watched_backends

#: So much on a slow machine is much on any: what imports or creates a schema may do so in one round.
WATCH = LoopWatch(limit_s=2.0)


@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """The backend of the test with its options, as AnyIO's plugin wants them."""
    name: str = request.param
    return name, watched_backends(WATCH)[name]


@pytest.fixture(scope="session", autouse=True)
def _loops_are_watched() -> Iterator[None]:
    with WATCH.watching():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    if blockers := WATCH.take_blockers():
        pytest.fail(
            f"the event loop was blocked for {WATCH.limit_s} s by\n" + "\n".join(blockers), pytrace=False
        )
    return result
