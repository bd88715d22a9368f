"""Lets threads begin with the context variables of whoever starts them, as Python 3.14 can.

For processes of flowcore's own, where several tries may live: a thread that an author starts then asks and
logs as the try that it belongs to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any


@contextmanager
def threads_inherit_context() -> Iterator[None]:
    """Hand contexts on to threads started, and to calls submitted to pools of threads, in this block."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    threading.Thread.start = _start(start)  # type: ignore[method-assign, assignment]
    ThreadPoolExecutor.submit = _submit(submit)  # type: ignore[method-assign]
    try:
        yield
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]


def _start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start_in_context(self: threading.Thread) -> None:
        context, run = copy_context(), self.run
        self.run = lambda: context.run(run)  # type: ignore[method-assign]
        start(self)

    return start_in_context


def _submit(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    # A thread of a pool works for many; it was started by whoever came first.
    def submit_in_context(
        self: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        return submit(self, copy_context().run, function, *args, **kwargs)

    return submit_in_context
