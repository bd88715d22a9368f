"""Reads what a child and its own children write to their descriptors 1 and 2."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

import anyio

from flowcore.runner.logs.printed_text import PrintedBytes

_CHUNK = 64 * 1024

TakeLines = Callable[[Sequence[str]], Awaitable[None]]


async def read_output(fd: int, take: TakeLines) -> None:
    """Hand the lines that come over the non-blocking `fd` on, until nobody can write to it any more.

    While `take` waits nothing is read, so that whoever writes has to wait, too.
    """
    printed = PrintedBytes()
    while data := await _read(fd):
        await _hand_on(list(printed.feed(data)), take)
    await _hand_on(list(printed.end()), take)


async def _read(fd: int) -> bytes:
    while True:
        await anyio.wait_readable(fd)
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:
            continue


async def _hand_on(lines: Sequence[str], take: TakeLines) -> None:
    if lines:
        await take(lines)
