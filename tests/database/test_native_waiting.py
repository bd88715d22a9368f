"""How a full send buffer is waited out."""

from __future__ import annotations

import socket
from collections.abc import Generator, Iterator

import anyio
import pytest
from psycopg.waiting import Ready, Wait

from flowcore.database.native_waiting import drive

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def full_pair() -> Iterator[Pair]:
    """Two connected sockets, the first of which can send no more."""
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        while True:
            try:
                near.send(bytes(65_536))
            except BlockingIOError:
                break
        yield near, far


def asking_once(want: Wait) -> Generator[Wait, Ready | int, int]:
    return (yield want)


@pytest.mark.parametrize("want", [Wait.W, Wait.RW])
async def test_writing_goes_on_once_the_peer_reads(full_pair: Pair, want: Wait) -> None:
    near, far = full_pair
    exchange = asking_once(want)
    ready: list[int] = []

    async def run() -> None:
        ready.append(await drive(exchange, near.fileno(), next(exchange)))

    async with anyio.create_task_group() as nursery:
        nursery.start_soon(run)
        await anyio.wait_all_tasks_blocked()
        await anyio.to_thread.run_sync(far.recv, 10_000_000)
    assert ready == [Ready.W]


async def test_an_answer_is_read_while_writing_is_impossible(full_pair: Pair) -> None:
    near, far = full_pair
    far.send(b"x")
    exchange = asking_once(Wait.RW)
    assert await drive(exchange, near.fileno(), next(exchange)) == Ready.R
