"""Drive psycopg's protocol generators with AnyIO, so that the running loop waits and no thread does.

A generator of psycopg yields what it waits for, readable or writable, and is told what came true.
"""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio.lowlevel import checkpoint
from psycopg.abc import PQGen, PQGenConn
from psycopg.waiting import Ready, Wait

T = TypeVar("T")

#: Writes between two checkpoints: sockets are nearly always writable, and a long exchange must not
#: starve the other tasks of the loop.
WRITES_PER_CHECKPOINT = 256

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR


async def drive(exchange: PQGen[T], socket: int, want: Wait) -> T:
    """Run an exchange, which waits for `want` already, to its end and return its result."""
    writes = 0
    try:
        while True:
            if want == Wait.R:
                await anyio.wait_readable(socket)
                want = exchange.send(Ready.R)
                continue
            writes += 1
            if writes % WRITES_PER_CHECKPOINT == 0:
                await checkpoint()
            # The kernel is asked before the loop: a question to the loop costs fifty times as much.
            ready = _poll(socket, want) or await _wait_writable(socket, want)
            want = exchange.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result


async def drive_connecting(exchange: PQGenConn[T]) -> T:
    """The same for an exchange whose socket may change meanwhile: connecting, and asking to cancel."""
    try:
        socket, want = next(exchange)
        while True:
            if want == Wait.R:
                await anyio.wait_readable(socket)
                ready = Ready.R
            else:
                await anyio.wait_writable(socket)
                ready = Ready.W
            socket, want = exchange.send(ready)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        exchange.close()  # frees a connection that was not finished, which a traceback might keep alive


def _poll(socket: int, want: Wait) -> Ready:
    poll = select.poll()
    poll.register(socket, select.POLLOUT | (_READABLE if want & Wait.R else 0))
    ready = 0
    for _, events in poll.poll(0):
        ready |= Ready.W if events & select.POLLOUT else 0
        ready |= Ready.R if events & _READABLE and want & Wait.R else 0
    return Ready(ready)


async def _wait_writable(socket: int, want: Wait) -> Ready:
    if want == Wait.W:
        await anyio.wait_writable(socket)
        return Ready.W
    # The send buffer is full and the server may be stuck as well, until we read its answer.
    ready = Ready.NONE

    async def watch(wait: Callable[[int], Awaitable[None]], meaning: Ready) -> None:
        nonlocal ready
        await wait(socket)
        ready = Ready(ready | meaning)
        nursery.cancel_scope.cancel()

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(watch, anyio.wait_readable, Ready.R)
        nursery.start_soon(watch, anyio.wait_writable, Ready.W)
    return ready
