"""`Line`: a socket, the conversation on it, and who waits for what. Nothing here waits.

Whoever waits for an answer reads for everybody: `pump` hands each answer to its waiter. The rule that
rules out deadlocks: the section is held for moments, and never while anybody waits for anything.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import Protocol

import attrs

from flowcore.errors import FlowcoreError, PeerGone, ProtocolError, UsageError
from flowcore.sdk.comms.interrupts import Section
from flowcore.sdk.comms.messages import Answer, Message, Order, Request
from flowcore.sdk.comms.protocol import Answered, Conversation, Received, Told

_CHUNK = 256 * 1024
#: So many bytes may wait for a supervisor that reads slowly; who says more has to wait.
UNSENT_MAX = 1024 * 1024
# A write to a peer that is gone is an error for the caller, not a signal for the process.
_FLAGS = getattr(socket, "MSG_NOSIGNAL", 0)

Outcome = Answer | Told | FlowcoreError


class Waiter(Protocol):
    """Somebody who waits for an answer or an order."""

    outcome: Outcome | None

    def wake(self) -> None:
        """`outcome` is set now. Any thread calls it; never waits."""


class Lead(Protocol):
    """Somebody who waits for the socket, on behalf of others too."""

    def nudge(self) -> None:
        """Look again whether there is something to send. Any thread calls it; never waits."""


@attrs.define(eq=False)
class _Waiting:
    answers: dict[int, Waiter] = attrs.field(factory=dict)
    order: Waiter | None = None


class Line:
    """The child's end of the socket to its supervisor; the socket becomes non-blocking."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock, self.section = sock, Section()
        #: Who waits for the socket now, and must be told when there is more to send.
        self.leads: set[Lead] = set()
        self._conversation = Conversation(Answer, Order)
        self._unsent = bytearray()
        self._is_flushing = False
        self._waiting = _Waiting()
        self._orders: deque[Told] = deque()
        self._error: FlowcoreError | None = None
        self._pid = os.getpid()

    @property
    def unsent(self) -> int:
        """How many bytes wait for the peer to read; none once it is gone."""
        return len(self._unsent)

    def ask(self, request: Request[Answer], ref: int | None, waiter: Waiter) -> int:
        """Send a request on behalf of `waiter`, whose `outcome` will be set; its id.

        Raises:
            UsageError: it cannot be sent.
            PeerGone, ProtocolError: the conversation is over.
        """
        with self.section:
            if self.section.is_nested:
                raise UsageError("a finalizer asked in the middle of another call; ask outside of finalizers")
            self._check()
            request_id, data = self._conversation.ask(request, ref=ref)
            self._waiting.answers[request_id] = waiter
            self._send(data)
            return request_id

    def tell(self, message: Message, ref: int | None) -> None:
        """Send what is not answered. Raises as `ask`."""
        with self.section:
            self._check()
            self._send(self._conversation.tell(message, ref=ref))

    def wait_for_order(self, waiter: Waiter) -> None:
        """Set the outcome of `waiter` to the next order; one may wait at a time. Raises as `ask`."""
        with self.section:
            if self._orders:
                waiter.outcome = self._orders.popleft()
                return
            self._check()
            self._waiting.order = waiter

    def forget(self, waiter: Waiter, request_id: int | None) -> None:
        """`waiter` waits no more."""
        with self.section:
            if request_id is None:
                self._forget_order(waiter)
            elif self._waiting.answers.pop(request_id, None):
                self._conversation.forget(request_id)

    def pump(self) -> None:
        """Send what the peer takes, and hand out what has arrived."""
        with self.section:
            self._flush()
            self._read()

    def _forget_order(self, waiter: Waiter) -> None:
        if self._waiting.order is waiter:
            self._waiting.order = None
        elif isinstance(waiter.outcome, Told):
            # It had been handed over, but was not taken.
            self._orders.appendleft(waiter.outcome)

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise UsageError(
                "a process that a task has forked cannot use the task's connection to its supervisor; ask in"
                " the task, and pass the answers on"
            )
        if self._error is not None:
            raise copied(self._error)

    def _send(self, data: bytes) -> None:
        self._unsent += data
        self._flush()
        if self._unsent:
            for lead in self.leads:
                lead.nudge()

    def _flush(self) -> None:
        if self._is_flushing:  # a finalizer's notice: it is sent after what is being sent
            return
        self._is_flushing = True
        try:
            while self._unsent and self._error is None:
                sent = self.sock.send(self._unsent, _FLAGS)
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._end(PeerGone("supervisor"))
        finally:
            self._is_flushing = False

    def _read(self) -> None:
        try:
            while self._error is None:
                data = self.sock.recv(_CHUNK)
                if not data:
                    self._end(PeerGone("supervisor"))
                    return
                for received in self._conversation.receive(data):
                    self._hand_out(received)
                if len(data) < _CHUNK:
                    return
        except BlockingIOError:
            pass
        except ProtocolError as error:
            self._end(error)
        except OSError:
            self._end(PeerGone("supervisor"))

    def _hand_out(self, received: Received) -> None:
        match received:
            case Answered(request_id, answer):
                _give(self._waiting.answers.pop(request_id), answer)
            case Told() if self._waiting.order is not None:
                waiter, self._waiting.order = self._waiting.order, None
                _give(waiter, received)
            case Told():
                self._orders.append(received)

    def _end(self, error: FlowcoreError) -> None:
        """The conversation is over: everybody who waits is told so."""
        self._error = error
        self._unsent.clear()
        waiters, self._waiting = self._waiting, _Waiting()
        for waiter in (*waiters.answers.values(), waiters.order):
            if waiter is not None:
                _give(waiter, error)


def _give(waiter: Waiter, outcome: Outcome) -> None:
    waiter.outcome = outcome
    waiter.wake()


def copied(error: FlowcoreError) -> FlowcoreError:
    """The same error for another caller: one object would collect the tracebacks of all."""
    copied = error.__class__.__new__(error.__class__, *error.args)
    copied.__dict__.update(error.__dict__)
    return copied
