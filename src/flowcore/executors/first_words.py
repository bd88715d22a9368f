"""`FirstWords`: waits in one place for the first that any child writes to its descriptors 1 and 2.

Most tries write nothing there, since their prints travel as messages: only one that does gets a reader.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import anyio

from flowcore.executors.child_output import CHUNK

Begin = Callable[[bytes], None]


@asynccontextmanager
async def hearing_first_words() -> AsyncIterator[FirstWords]:
    """A `FirstWords` that listens inside the block."""
    with selectors.DefaultSelector() as selector:
        words = FirstWords(selector)
        async with anyio.create_task_group() as nursery:
            nursery.start_soon(words.run)
            yield words
            nursery.cancel_scope.cancel()


class FirstWords:
    """Made by `hearing_first_words`; the selector is one that has a descriptor, which epoll and kqueue do."""

    def __init__(self, selector: selectors.DefaultSelector) -> None:
        self._selector = selector

    async def run(self) -> None:
        """Listen until this is cancelled."""
        while True:
            await anyio.wait_readable(self._selector.fileno())
            for key, _ in self._selector.select(0):
                self._hear(key)

    @contextmanager
    def of(self, fd: int, begin: Begin) -> Iterator[None]:
        """Call `begin` with what is read first from the non-blocking `fd`, at most once.

        That may be when the block is left, for what was written last; never if nothing was.
        """
        key = self._selector.register(fd, selectors.EVENT_READ, begin)
        try:
            yield
        finally:
            if fd in self._selector.get_map():
                self._hear(key)

    def _hear(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fd)
        with suppress(BlockingIOError):  # nothing is there yet, and nobody waits any more
            data = os.read(key.fd, CHUNK)
            if data:
                key.data(data)
