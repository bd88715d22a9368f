"""A thread lane: order, results, and who wins when a call and its cancellation cross."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import anyio
import pytest

from flowcore.database.thread_lane import ThreadLane


@pytest.fixture
def lane() -> Iterator[ThreadLane]:
    lane = ThreadLane("test")
    yield lane
    lane.close()


async def test_a_call_returns_its_result_from_the_lanes_thread(lane: ThreadLane) -> None:
    first = await lane.call(threading.get_ident, stop=lambda: None)
    assert first == await lane.call(threading.get_ident, stop=lambda: None) != threading.get_ident()


async def test_an_exception_reaches_the_caller(lane: ThreadLane) -> None:
    with pytest.raises(ZeroDivisionError):
        await lane.call(lambda: 1 // 0, stop=lambda: None)


async def test_a_call_that_obeys_the_stop_ends_as_cancelled(lane: ThreadLane) -> None:
    stopped = threading.Event()

    def obey() -> None:
        stopped.wait()
        raise InterruptedError

    with anyio.move_on_after(0.01) as scope:
        await lane.call(obey, stop=stopped.set)
    assert scope.cancelled_caught


async def test_a_call_that_finished_all_the_same_keeps_its_result(lane: ThreadLane) -> None:
    stopped = threading.Event()
    with anyio.move_on_after(0.01) as scope:
        assert await lane.call(stopped.wait, stop=stopped.set)
        assert scope.cancel_called
        await anyio.lowlevel.checkpoint()  # here the cancellation arrives
    assert scope.cancelled_caught


async def test_the_stop_is_repeated_until_the_call_notices(lane: ThreadLane) -> None:
    stops = threading.Semaphore(0)

    def notice_the_third() -> None:
        for _ in range(3):
            stops.acquire()
        raise InterruptedError

    with anyio.move_on_after(0.01) as scope:
        await lane.call(notice_the_third, stop=stops.release)
    assert scope.cancelled_caught
