"""`SupervisorChannel`: the supervisor's end of the socket to a child; `sdk/comms/decoder.py` has the other.

Requests are answered concurrently, so that a slow one delays nobody. Notices are taken in their order,
and while one is being taken nothing more is read, so that a child which says more than can be stored is
slowed down. Nothing that a child does raises anything but what `serve` documents.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.abc import TaskGroup

from flowcore.concurrency.single_error import single_error
from flowcore.errors import FlowcoreError
from flowcore.sdk.comms.errors import error_answer
from flowcore.sdk.comms.messages import Answer, Notice, Order, Request
from flowcore.sdk.comms.protocol import Asked, Conversation, Received, Told

#: Requests of one child that are under way at a time; more of them are left in the socket.
REQUESTS_MAX = 4096
_CHUNK = 64 * 1024

Answering = Callable[[Request[Any], int | None], Awaitable[Answer]]
Noting = Callable[[Notice, int | None], Awaitable[None]]


class SupervisorChannel:
    """Talks to one child. Use it on one event loop.

    Args:
        sock: The end of a socket pair; becomes non-blocking, and stays the caller's to close.
        answer: Answers a request of the try with that reference. Only FlowcoreErrors leave it.
        note: Takes a notice of the try with that reference.
        requests_max: How many requests are answered at a time.
    """

    def __init__(
        self, sock: socket.socket, *, answer: Answering, note: Noting, requests_max: int = REQUESTS_MAX
    ) -> None:
        sock.setblocking(False)
        self._sock, self._answer, self._note = sock, answer, note
        self._conversation = Conversation(Request, Notice)
        # Without a turn of the event loop for each place: reading, which follows, is one.
        self._places = anyio.Semaphore(requests_max, fast_acquire=True)
        self._unsent = bytearray()
        self._is_sent = anyio.Event()
        self._nursery: TaskGroup | None = None
        self._has_writer = False

    async def serve(self) -> None:
        """Answer and take notices until the child closes its end, is gone, or this is cancelled.

        Raises:
            ProtocolError: the child broke the protocol; what came before was taken.
        """
        with single_error():
            async with anyio.create_task_group() as nursery:
                self._nursery = nursery
                self._write_what_is_left()
                try:
                    while data := await self._read():
                        for received in self._conversation.receive(data):
                            await self._take(received, nursery)
                finally:
                    self._nursery = None
                nursery.cancel_scope.cancel()

    def order(self, order: Order, ref: int | None = None) -> None:
        """Tell the child what to do; never waits. Nothing happens if the child is gone.

        Raises:
            UsageError: the order cannot be sent; it is no JSON, or too large (MessageTooLarge).
        """
        self._put(self._conversation.tell(order, ref=ref))

    async def _take(self, received: Received, nursery: TaskGroup) -> None:
        if isinstance(received, Asked):
            await self._places.acquire()
            nursery.start_soon(self._serve, received)
        elif isinstance(received, Told) and isinstance(received.message, Notice):
            await self._note(received.message, received.ref)

    async def _serve(self, asked: Asked) -> None:
        try:
            self._put(await self._answered(asked))
            # A place is kept until the answer has left, so that a child which does not read cannot make
            # us keep more answers than there are places.
            while self._unsent:
                await self._is_sent.wait()
        finally:
            self._places.release()

    async def _answered(self, asked: Asked) -> bytes:
        try:
            answer = await self._answer(asked.request, asked.ref)
            return self._conversation.answer(asked.id, answer)
        # Also when the answer is too large to be sent.
        except FlowcoreError as error:
            return self._conversation.answer(asked.id, error_answer(error))

    async def _read(self) -> bytes:
        while True:
            await anyio.wait_readable(self._sock)
            try:
                return self._sock.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                return b""

    def _put(self, data: bytes) -> None:
        self._unsent += data
        self._flush()
        self._write_what_is_left()

    def _write_what_is_left(self) -> None:
        if self._unsent and self._nursery is not None and not self._has_writer:
            self._has_writer = True
            self._nursery.start_soon(self._write)

    async def _write(self) -> None:
        while self._unsent:
            await anyio.wait_writable(self._sock)
            self._flush()
        self._has_writer = False
        self._is_sent, sent = anyio.Event(), self._is_sent
        sent.set()

    def _flush(self) -> None:
        try:
            while self._unsent:
                sent = self._sock.send(self._unsent)
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:  # it is gone, which the reading side will see
            self._unsent.clear()
