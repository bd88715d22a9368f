"""A line and the other end of its socket, on which nobody is: what the turns do is seen one by one."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flowcore.sdk.comms.line import Line
from flowcore.sdk.comms.messages import Answer, LogLines, Notice, Order, Request, VariableFound
from flowcore.sdk.comms.protocol import Conversation, Received

FOUND = VariableFound("green")
#: More than fits into any socket.
LARGE = LogLines(("x" * 4_000_000,))


class Far:
    """The supervisor's end, moved by the test."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        self._sock, self._conversation = sock, Conversation(Request, Notice)

    def answer(self, request_id: int, answer: Answer = FOUND) -> None:
        self._sock.sendall(self._conversation.answer(request_id, answer))

    def order(self, order: Order) -> None:
        self._sock.sendall(self._conversation.tell(order))

    def receive(self, count: int) -> list[Received]:
        """The next so many messages."""
        found: list[Received] = []
        while len(found) < count:
            found += self._conversation.receive(self._sock.recv(65536))
        return found

    def close(self) -> None:
        self._sock.close()


@contextmanager
def opened_line() -> Iterator[tuple[Line, Far]]:
    """Both ends for the duration of the block."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Line(ours), Far(theirs)


@contextmanager
def in_thread(function: Callable[[], object]) -> Iterator[None]:
    """Run a function beside the block, and wait for its end."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    yield
    thread.join(20)
    assert not thread.is_alive(), "it hangs"


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    for _ in range(20_000):
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("it never happened")
