"""A thread that carries out one call after the other for the event loop, whichever loop that is."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, cast

import anyio
from anyio.lowlevel import current_token

T = TypeVar("T")

STOP_INTERVAL_S = 0.01


class ThreadLane:
    """One thread with a queue. Calls run in order, each to its end."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def call(self, function: Callable[[], T], *, stop: Callable[[], None]) -> T:
        """Run `function` in the thread and return its result.

        When cancelled, call `stop` on the loop's thread, repeatedly, until the function has ended. If it
        then raised, the caller is cancelled; if it returned, its result stands, and the
        cancellation comes at the caller's next checkpoint.
        """
        done = anyio.Event()
        post = _poster()
        future = self._thread.submit(function)
        future.add_done_callback(lambda _: post(done.set))
        try:
            await done.wait()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):  # ends as soon as the function notices `stop`
                await _stop_until(done, stop)
            if future.exception() is not None:
                raise
        return future.result()

    def close(self) -> None:
        """End the thread; nothing may be running in it."""
        self._thread.shutdown()


async def _stop_until(done: anyio.Event, stop: Callable[[], None]) -> None:
    # Again and again: an interrupt that falls between two statements is without effect.
    while not done.is_set():
        stop()
        with anyio.move_on_after(STOP_INTERVAL_S):
            await done.wait()


class _Trio(Protocol):
    def run_sync_soon(self, function: Callable[[], None], /) -> None: ...


class _Asyncio(Protocol):
    def call_soon_threadsafe(self, function: Callable[[], None], /) -> object: ...


def _poster() -> Callable[[Callable[[], None]], object]:
    """How another thread hands a call to the running loop without waiting for it."""
    loop = current_token().native_token
    if hasattr(loop, "run_sync_soon"):
        return cast("_Trio", loop).run_sync_soon
    return cast("_Asyncio", loop).call_soon_threadsafe
