"""Reads what a child and its own children write to their descriptors 1 and 2."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

import anyio

from flowcore.runner.logs.printed_text import PrintedBytes

CHUNK = 64 * 1024
"""How many bytes are read at a time."""

TakeLines = Callable[[Sequence[str]], Awaitable[None]]


async def read_output(fd: int, take: TakeLines, first: bytes = b"") -> None:
    """Hand the lines that come over the non-blocking `fd` on, until nobody can write to it any more.

    `first` is what was read from it before.
    While `take` waits nothing is read, so that whoever writes has to wait, too.
    """
    printed = PrintedBytes()
    await _hand_on(list(printed.feed(first)), take)
    while data := await _read(fd):
        await _hand_on(list(printed.feed(data)), take)
    await _hand_on(list(printed.end()), take)


async def _read(fd: int) -> bytes:
    while True:
        await anyio.wait_readable(fd)
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:
            continue


async def _hand_on(lines: Sequence[str], take: TakeLines) -> None:
    if lines:
        await take(lines)
