"""`Line`: a socket, the conversation on it, and who waits for what. Nothing here waits.

Whoever waits for an answer reads for everybody: `pump` hands each answer to its waiter. The rule that
rules out deadlocks: the section is held for moments, and never while anybody waits for anything.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import Protocol
from weakref import WeakSet

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
        self._waiters: dict[int, Waiter] = {}
        self._orders: deque[Told] = deque()
        self._order_waiter: Waiter | None = None
        self._error: FlowcoreError | None = None
        self._pid = os.getpid()
        _lines.add(self)

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
        self._check_process()
        with self.section:
            if self.section.is_nested:
                raise UsageError(
                    "a finalizer or signal handler asked in the middle of another call; ask elsewhere"
                )
            self._check_end()
            request_id, data = self._conversation.ask(request, ref=ref)
            self._waiters[request_id] = waiter
            self._send(data)
            return request_id

    def tell(self, message: Message, ref: int | None) -> None:
        """Send what is not answered. Raises as `ask`."""
        self._check_process()
        with self.section:
            self._check_end()
            self._send(self._conversation.tell(message, ref=ref))

    def wait_for_order(self, waiter: Waiter) -> None:
        """Set the outcome of `waiter` to the next order; one may wait at a time. Raises as `ask`."""
        self._check_process()
        with self.section:
            if self._orders:
                waiter.outcome = self._orders.popleft()
                return
            self._check_end()
            self._order_waiter = waiter

    def forget(self, request_id: int) -> None:
        """Nobody waits for the answer any more."""
        with self.section:
            if self._waiters.pop(request_id, None):
                self._conversation.forget(request_id)

    def forget_order(self, waiter: Waiter) -> None:
        """`waiter` waits no more; an order that it was given and has not taken is the next one again."""
        with self.section:
            if self._order_waiter is waiter:
                self._order_waiter = None
            elif isinstance(waiter.outcome, Told):
                self._orders.appendleft(waiter.outcome)

    def pump(self) -> None:
        """Send what the peer takes, and hand out what has arrived."""
        with self.section:
            self._flush()
            self._read()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise UsageError(
                "a process that a task has forked cannot use the task's connection to its supervisor; ask in"
                " the task, and pass the answers on"
            )

    def _check_end(self) -> None:
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
                # A copy: a finalizer's notice must be able to lengthen what is unsent meanwhile.
                sent = self.sock.send(self._unsent[:_CHUNK], _FLAGS)
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
                    raise PeerGone("supervisor")
                for received in self._conversation.receive(data):
                    self._hand_out(received)
                if len(data) < _CHUNK:
                    return
        except BlockingIOError:
            pass
        except (ProtocolError, PeerGone) as error:
            self._end(error)
        except OSError:
            self._end(PeerGone("supervisor"))

    def _hand_out(self, received: Received) -> None:
        match received:
            case Answered(request_id, answer):
                _give(self._waiters.pop(request_id), answer)
            case Told() if self._order_waiter is not None:
                waiter, self._order_waiter = self._order_waiter, None
                _give(waiter, received)
            case Told():
                self._orders.append(received)

    def _end(self, error: FlowcoreError) -> None:
        """The conversation is over: everybody who waits is told so."""
        self._error = error
        self._unsent.clear()
        waiters = list(self._waiters.values())
        self._waiters.clear()
        if self._order_waiter is not None:
            waiters.append(self._order_waiter)
            self._order_waiter = None
        for waiter in waiters:
            _give(waiter, error)


def copied(error: FlowcoreError) -> FlowcoreError:
    """The same error for another caller: one object would collect the tracebacks of all."""
    copy = error.__class__.__new__(error.__class__, *error.args)
    copy.__dict__.update(error.__dict__)
    return copy


def _give(waiter: Waiter, outcome: Outcome) -> None:
    waiter.outcome = outcome
    waiter.wake()


_lines: WeakSet[Line] = WeakSet()


def _close_inherited() -> None:
    # Else the supervisor would not see that the task's process has ended.
    for line in list(_lines):
        line.sock.close()


os.register_at_fork(after_in_child=_close_inherited)
