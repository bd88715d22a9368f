"""`Decoder`: `Comms` over a socket, for any mix of functions, threads, asyncio and trio.

It has no thread of its own. `line.py` is the socket; `blocking.py` and `awaiting.py` say how threads and
coroutines take turns in waiting for it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import attrs
from anyio.lowlevel import EventLoopToken, current_token

from flowcore.errors import FlowcoreError
from flowcore.sdk.comms.awaiting import LoopTurns, LoopWaiter
from flowcore.sdk.comms.blocking import ThreadTurns, ThreadWaiter
from flowcore.sdk.comms.errors import error_of
from flowcore.sdk.comms.line import UNSENT_MAX, Line, Outcome, copied
from flowcore.sdk.comms.messages import Answer, ErrorAnswer, Notice, Order, Request
from flowcore.sdk.comms.protocol import Told

A = TypeVar("A", bound=Answer)


class Decoder:
    """Implements `questions.Comms` for a process with one try; `bound_to` is for one with many.

    Use it on any thread, and in coroutines of any loop.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._line = Line(sock)
        self._threads = ThreadTurns(self._line)
        #: Those loops on which somebody waits.
        self._loops: dict[EventLoopToken, LoopTurns] = {}

    def send(self, request: Request[A], *, ref: int | None = None) -> A:
        """Ask, and wait for the answer; `questions.Comms` says more."""
        waiter = ThreadWaiter(self._threads)
        request_id = self._line.ask(cast("Request[Answer]", request), ref, waiter)
        try:
            self._threads.wait(waiter)
        finally:
            self._line.forget(request_id)
        return cast("A", _answer(waiter.outcome))

    async def asend(self, request: Request[A], *, ref: int | None = None) -> A:
        """The same as `send` for coroutines."""
        with self._turns() as turns:
            waiter = LoopWaiter(turns)
            request_id = self._line.ask(cast("Request[Answer]", request), ref, waiter)
            try:
                await turns.wait(waiter)
            finally:
                self._line.forget(request_id)
        return cast("A", _answer(waiter.outcome))

    def post(self, notice: Notice, *, ref: int | None = None) -> None:
        """Say something that is not answered.

        It waits only if the supervisor is far behind, or if nobody else would send the rest.
        """
        self._line.tell(notice, ref)
        if not self._line.section.is_mine:  # else a finalizer says it in the middle of another call
            self._threads.flush(UNSENT_MAX if self._line.leads else 0)

    def receive(self) -> tuple[Order, int | None]:
        """Wait for the next order, and which try it is for. One at a time may wait for orders."""
        waiter = ThreadWaiter(self._threads)
        self._line.wait_for_order(waiter)
        try:
            self._threads.wait(waiter)
        except BaseException:
            self._line.forget_order(waiter)
            raise
        return _order(waiter.outcome)

    async def areceive(self) -> tuple[Order, int | None]:
        """The same as `receive` for coroutines."""
        with self._turns() as turns:
            waiter = LoopWaiter(turns)
            self._line.wait_for_order(waiter)
            try:
                await turns.wait(waiter)
            except BaseException:
                self._line.forget_order(waiter)
                raise
        return _order(waiter.outcome)

    def bound_to(self, ref: int) -> BoundComms:
        """The comms of one of several tries in this process."""
        return BoundComms(self, ref)

    def close(self) -> None:
        """Send what is left, and close the socket; nobody waits any more."""
        self._threads.flush(0)
        self._line.sock.close()
        self._threads.close()

    @contextmanager
    def _turns(self) -> Iterator[LoopTurns]:
        token = current_token()
        if token not in self._loops:
            self._loops[token] = LoopTurns(self._line, token)
        turns = self._loops[token]
        try:
            yield turns
        finally:
            # Authors may run one loop after another.
            if turns.is_unused:
                self._loops.pop(token, None)


@attrs.frozen
class BoundComms:
    """Implements `questions.Comms` for the try that both sides call `ref`."""

    _decoder: Decoder
    _ref: int

    def send(self, request: Request[A]) -> A:
        return self._decoder.send(request, ref=self._ref)

    async def asend(self, request: Request[A]) -> A:
        return await self._decoder.asend(request, ref=self._ref)

    def post(self, notice: Notice) -> None:
        self._decoder.post(notice, ref=self._ref)


def _answer(outcome: Outcome | None) -> Answer:
    if isinstance(outcome, ErrorAnswer):
        raise error_of(outcome)
    if isinstance(outcome, FlowcoreError):
        raise copied(outcome)
    assert isinstance(outcome, Answer)
    return outcome


def _order(outcome: Outcome | None) -> tuple[Order, int | None]:
    if isinstance(outcome, FlowcoreError):
        raise copied(outcome)
    assert isinstance(outcome, Told)
    assert isinstance(outcome.message, Order)
    return outcome.message, outcome.ref
