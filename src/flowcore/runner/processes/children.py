"""`Child`: a process that a fork server has made, as the scheduler's process sees it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import anyio
import attrs

#: How long leaving a child's block waits for it to be gone after it was killed.
_LAST_WAIT_S = 5.0


@attrs.frozen
class ExitStatus:
    """How a child ended: its exit status, or the signal that ended it.

    `is_lost` when its fork server died, and the child with it.
    """

    code: int | None = None
    signal: int | None = None
    is_lost: bool = False

    @classmethod
    def of(cls, code: int) -> ExitStatus:
        """From a code as Python has it, where a negative one is a signal."""
        return cls(code=code) if code >= 0 else cls(signal=-code)

    def __str__(self) -> str:
        if self.is_lost:
            return "its fork server died"
        return f"exit status {self.code}" if self.signal is None else f"signal {_name(self.signal)}"


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return str(number)


LOST = ExitStatus(signal=signal.SIGKILL, is_lost=True)


@attrs.define(eq=False)
class Ends:
    """The ends of a child's sockets and pipes in this process."""

    comms: socket.socket
    stdout: int
    stderr: int

    def close(self) -> None:
        """Close what is open."""
        self.comms.close()
        _close((self.stdout, self.stderr))
        self.stdout = self.stderr = -1


def open_ends(*, outputs: bool) -> tuple[Ends, tuple[int, ...]]:
    """The ends of a new child's socket and pipes: ours, and the descriptors that the child gets.

    Without `outputs` what it prints goes nowhere.
    """
    opened: list[int] = []
    try:
        ours, theirs = socket.socketpair()
        opened += [ours.detach(), theirs.detach()]
        for _ in range(2):
            opened += os.pipe() if outputs else [-1, os.open(os.devnull, os.O_WRONLY)]
    except OSError:
        _close(opened)
        raise
    our_fds, their_fds = opened[::2], opened[1::2]
    for fd in our_fds:
        if fd >= 0:
            os.set_blocking(fd, False)
    return Ends(socket.socket(fileno=our_fds[0]), *our_fds[1:]), tuple(their_fds)


def _close(fds: Iterable[int]) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


class Child:
    """One process; use it as `async with child:` or see to it that it is killed and closed.

    `comms` is the non-blocking end of its comms socket, `stdout` and `stderr` are the non-blocking ends
    of pipes (-1 once closed). When `wait` returns, the process is gone, and its process group and what it
    had left behind have been killed; a lost child has been killed, too.
    """

    def __init__(self, ends: Ends, send_signal: Callable[[int, bool], None]) -> None:
        self.pid = 0
        self._ends, self._send_signal = ends, send_signal
        self._status: ExitStatus | None = None
        self._over = anyio.Event()

    @property
    def comms(self) -> socket.socket:
        return self._ends.comms

    @property
    def stdout(self) -> int:
        return self._ends.stdout

    @property
    def stderr(self) -> int:
        return self._ends.stderr

    @property
    def status(self) -> ExitStatus | None:
        """How it ended; None while it runs."""
        return self._status

    async def wait(self) -> ExitStatus:
        """Wait for its end, and say how it came."""
        await self._over.wait()
        assert self._status is not None
        return self._status

    def interrupt(self) -> None:
        """Send it SIGINT; like the others, this does nothing once it has ended, and never waits."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to its whole process group."""
        self._signal(signal.SIGKILL, to_group=True)

    def close(self) -> None:
        """Close the ends of its sockets and pipes here."""
        self._ends.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        try:
            with anyio.move_on_after(_LAST_WAIT_S, shield=True):
                await self.wait()
        finally:
            self.close()

    def note_end(self, status: ExitStatus) -> None:
        """Called by the connection that learned of it."""
        if self._status is None:
            self._status = status
            self._over.set()

    def _signal(self, number: int, *, to_group: bool = False) -> None:
        if self._status is None:
            self._send_signal(number, to_group)
