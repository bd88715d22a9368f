"""`ServerConnection`: the scheduler's end of one fork server's control socket.

Orders are put into a bounded queue, so that a signal can be sent without waiting; one task writes them,
another one reads what the server says. When the server is gone, or talks nonsense, every child of it is
lost: the server and the kernel see to it that these die.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import anyio
import attrs

from flowcore.errors import FlowcoreError, ProtocolError
from flowcore.runner.processes.children import LOST, Child, ExitStatus, open_ends
from flowcore.runner.processes.control import (
    Exited,
    Fork,
    Forked,
    ForkRefused,
    Inbox,
    SendSignal,
    ServerReady,
    control_frame,
)
from flowcore.sdk.comms.envelopes import Envelope
from flowcore.sdk.comms.messages import Message

log = logging.getLogger(__name__)

#: A server that leaves so many orders unread is broken.
_QUEUE_MAX = 4096
#: So many forks are under way at a time; the server makes one after the other.
_FORKS_MAX = 16
#: A server that does not answer an order to fork within this time is broken.
ANSWER_S = 30.0


class ForkServerGone(FlowcoreError):
    """The fork server ended, or could not be started; what a child that was asked for did is unknown."""

    def __init__(self, reason: str = "it ended") -> None:
        super().__init__(f"there is no fork server: {reason}; try again, another one is started")


class ForkFailed(FlowcoreError):
    """The operating system makes no further process now, or there is no such job."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no process could be forked: {reason}")


@attrs.frozen
class _Order:
    """Bytes to send, and descriptors that go along and are closed afterwards."""

    data: bytes
    fds: tuple[int, ...] = ()

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


@attrs.define(eq=False)
class _Asked:
    """A child that was asked for, and what the server said to that."""

    child: Child
    answered: anyio.Event = attrs.field(factory=anyio.Event)
    refusal: str | None = None


class ServerConnection:
    """One connection; `run` it once. `control` is non-blocking, and closed when `run` returns."""

    def __init__(self, control: socket.socket, *, on_child_end: Callable[[], None] = lambda: None) -> None:
        self._control, self._on_child_end = control, on_child_end
        self._to_send, self._orders = anyio.create_memory_object_stream[_Order](_QUEUE_MAX)
        self._asked: dict[int, _Asked] = {}
        self._numbers = itertools.count()
        self._forks = anyio.CapacityLimiter(_FORKS_MAX)
        self._scope = anyio.CancelScope()
        self._answered, self._ended = anyio.Event(), anyio.Event()

    @property
    def children(self) -> Sequence[Child]:
        """The children that have not ended."""
        return [asked.child for asked in self._asked.values()]

    @property
    def is_over(self) -> bool:
        """Whether there is no server any more."""
        return self._ended.is_set()

    async def run(self) -> None:
        """Serve until the server is gone."""
        try:
            with self._scope:
                async with anyio.create_task_group() as nursery:
                    nursery.start_soon(self._write)
                    await self._read()
                    nursery.cancel_scope.cancel()
        finally:
            self._end()

    def abort(self) -> None:
        """Treat the server as gone, which makes it end."""
        self._scope.cancel()

    async def wait_ready(self) -> None:
        """Wait until the server takes forks.

        Raises:
            ForkServerGone: it has ended.
        """
        await self._answered.wait()
        if self.is_over:
            raise ForkServerGone

    async def wait_over(self) -> None:
        """Wait until there is no server any more."""
        await self._ended.wait()

    async def fork(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child:
        """Have a child made that does a job; without `outputs`, what it prints is lost.

        Raises:
            ForkServerGone: there is no server (any more).
            ForkFailed: the operating system refuses, or there is no such job.
            UsageError: the payload is no JSON, or too large.
        """
        async with self._forks:
            asked = self._ask(Fork(job, payload), outputs=outputs)
            try:
                with anyio.move_on_after(ANSWER_S):
                    await asked.answered.wait()
                return self._made(asked)
            except BaseException:
                # Sent behind the order to fork, so the child is killed as soon as it is there.
                asked.child.kill()
                asked.child.close()
                raise

    def _ask(self, order: Fork, *, outputs: bool) -> _Asked:
        number = next(self._numbers)
        data = control_frame(order, number)
        try:
            ends, fds = open_ends(outputs=outputs)
        except OSError as error:
            raise ForkFailed(str(error)) from error
        child = Child(ends, partial(self._send_signal, number))
        asked = self._asked[number] = _Asked(child)
        self._post(_Order(data, fds))
        if self.is_over:
            self._forget(number, LOST)
        return asked

    def _made(self, asked: _Asked) -> Child:
        if not asked.answered.is_set():
            self.abort()
            raise ForkServerGone
        if asked.refusal is not None:
            raise ForkFailed(asked.refusal)
        if not asked.child.pid:
            raise ForkServerGone
        return asked.child

    def _send_signal(self, child: int, number: int, to_group: bool) -> None:
        self._post(_Order(control_frame(SendSignal(number, to_group), child)))

    def _post(self, order: _Order) -> None:
        try:
            self._to_send.send_nowait(order)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            order.close()
            self.abort()

    async def _write(self) -> None:
        async for order in self._orders:
            try:
                await self._send(order)
            except ConnectionError:
                self.abort()
            finally:
                order.close()

    async def _send(self, order: _Order) -> None:
        data, fds = memoryview(order.data), order.fds
        while data:
            try:
                sent = socket.send_fds(self._control, [data], fds)
            except BlockingIOError:
                await anyio.wait_writable(self._control)
                continue
            data, fds = data[sent:], ()

    async def _read(self) -> None:
        inbox = Inbox()
        try:
            while (envelopes := await self._receive(inbox)) is not None:
                for envelope in envelopes:
                    self._take(envelope.message, envelope.id)
        except ProtocolError:
            log.exception("a fork server is given up")
        finally:
            inbox.close()

    async def _receive(self, inbox: Inbox) -> list[Envelope] | None:
        while True:
            try:
                return inbox.receive(self._control)
            except BlockingIOError:
                await anyio.wait_readable(self._control)

    def _take(self, message: Message, number: int | None) -> None:
        match message:
            case ServerReady():
                self._answered.set()
            case Forked(pid) if number in self._asked:
                self._asked[number].child.pid = pid
                self._asked[number].answered.set()
            case ForkRefused(error) if number in self._asked:
                self._asked[number].refusal = error
                self._forget(number, LOST)
            case Exited(code) if number in self._asked:
                self._forget(number, ExitStatus.of(code))
            case _:
                raise ProtocolError(f"it sent a {type(message).__name__} out of turn")

    def _forget(self, number: int, status: ExitStatus) -> None:
        asked = self._asked.pop(number)
        asked.child.note_end(status)
        asked.answered.set()
        self._on_child_end()

    def _end(self) -> None:
        self._control.close()
        self._ended.set()
        self._answered.set()
        for number, asked in list(self._asked.items()):
            # The child itself dies with its server; what it has started may not.
            if asked.child.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(asked.child.pid, signal.SIGKILL)
            self._forget(number, LOST)
        self._to_send.close()
        with contextlib.suppress(anyio.WouldBlock, anyio.EndOfStream), self._orders:
            while True:
                self._orders.receive_nowait().close()
