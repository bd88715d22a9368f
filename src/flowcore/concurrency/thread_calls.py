"""Functions in worker threads. A thread cannot be stopped, only abandoned, and must not be lied about.

Whoever takes the ticket first decides: the thread, then the function runs whatever happens; or the
abandoning side, then it never will.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread


class ThreadCall:
    """One call of a function in a worker thread; contextvars are copied into it."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self._function, self._args = function, args
        self._ticket = threading.Lock()
        self._over = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None

    async def run(self, limiter: anyio.CapacityLimiter | None = None) -> Any:
        """What the function returns or raises. When cancelled, the thread is abandoned.

        Without a limiter the caller limits the threads; anyio's would count abandoned ones on trio only.
        """
        await anyio.to_thread.run_sync(
            self._run, abandon_on_cancel=True, limiter=limiter or anyio.CapacityLimiter(math.inf)
        )
        if self._error is not None:
            raise self._error
        return self._result

    def goes_on(self) -> bool:
        """Whether the function still runs after `run` was cancelled; if it has not begun, it never will."""
        if self._ticket.acquire(blocking=False):
            self._over.set()
        return not self._over.is_set()

    def _run(self) -> None:
        if not self._ticket.acquire(blocking=False):
            return
        try:
            self._result = self._function(*self._args)
        # Kept for `run`: worker threads treat StopIteration and SystemExit in ways of their own.
        except BaseException as error:
            self._error = error
        finally:
            self._over.set()
