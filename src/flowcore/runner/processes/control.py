"""What the scheduler's process and a fork server say to each other on their control socket.

Frames as between a task and its supervisor (`sdk/comms/framing.py`). The envelope's id says which child
is meant: the scheduler counts them. A `Fork` brings three descriptors along: the child's end of its comms
socket, and what its standard output and error are written to.

A server that imports a Dag file first speaks as a task does until it is ready (`followed_imports.py`).
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from flowcore.errors import ProtocolError
from flowcore.sdk.comms.envelopes import VERSION, Envelope, decode, encode
from flowcore.sdk.comms.framing import Unframing, frame
from flowcore.sdk.comms.messages import ErrorAnswer, Message, Notice

#: How many descriptors come with a `Fork`.
FORK_FDS = 3
_READ_SIZE = 65536


@attrs.frozen
class Fork(Message):
    """Make a child that runs a job (`jobs.py`)."""

    job: str
    payload: Mapping[str, Any]


@attrs.frozen
class SendSignal(Message):
    """Send a signal to a child, or to everything in its process group."""

    number: int
    to_group: bool = False


@attrs.frozen
class ServerReady(Notice):
    """The server takes forks from now on."""


@attrs.frozen
class ServerBroken(Notice):
    """The server could not import its Dag file; it ends."""

    error: ErrorAnswer


@attrs.frozen
class Forked(Message):
    """The child runs."""

    pid: int


@attrs.frozen
class ForkRefused(Message):
    """The operating system makes no process now."""

    error: str


@attrs.frozen
class Exited(Message):
    """The child has ended, and its process group with it; a negative `code` is the signal that ended it."""

    code: int


def control_frame(message: Message, child: int | None = None) -> bytes:
    """What to send. Raises UsageError when the message is no JSON, or too large."""
    return frame(encode(Envelope(message, child)))


def forked_frame(pid: int, child: int) -> bytes:
    """The same for `Forked`, which a server says of each child: see `exited_frame`."""
    return frame(b'[%d,%d,null,"Forked",{"pid":%d}]' % (VERSION, child, pid))


def exited_frame(code: int, child: int) -> bytes:
    """The same for `Exited`.

    While children live that a server has forked, each page that it writes to is copied first; encoders and
    records reach a hundred of them, which for a short try is a tenth of its whole cost.
    """
    return frame(b'[%d,%d,null,"Exited",{"code":%d}]' % (VERSION, child, code))


@attrs.define
class Inbox:
    """What arrives on one end of a control socket."""

    _unframing: Unframing = attrs.field(factory=Unframing, init=False)
    _fds: deque[int] = attrs.field(factory=deque, init=False)

    def receive(self, control: socket.socket) -> list[Envelope] | None:
        """Read once, and give the messages that are complete; None when the peer has gone.

        Raises:
            BlockingIOError: nothing is there.
            ProtocolError: what is there is nonsense.
        """
        try:
            data, fds, flags, _ = socket.recv_fds(control, _READ_SIZE, 16)
        except ConnectionError:
            return None
        for fd in fds:
            os.set_inheritable(fd, False)
        self._fds += fds
        if flags & socket.MSG_CTRUNC:
            raise ProtocolError("it sent more descriptors than this process may open")
        return [decode(payload) for payload in self._unframing.feed(data)] if data else None

    def take_fds(self) -> list[int]:
        """The descriptors of a `Fork`, which are the caller's to close from now on."""
        if len(self._fds) < FORK_FDS:
            raise ProtocolError("it sent a Fork without its descriptors")
        return [self._fds.popleft() for _ in range(FORK_FDS)]

    def close(self) -> None:
        """Close what nobody has taken."""
        for fd in self._drain():
            os.close(fd)

    def _drain(self) -> Iterator[int]:
        while self._fds:
            yield self._fds.popleft()
