"""Waiting in threads: one leads, which means that it waits for the socket and reads for all; others follow.

Who has its answer leaves, and hands the lead on. A thread that runs an event loop is a thread like any
other here: while it waits, it delivers to the coroutines of its own loop too.
"""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress

from flowcore.sdk.comms.line import Line, Outcome


class ThreadWaiter:
    """Implements `line.Waiter` for a thread."""

    def __init__(self, turns: ThreadTurns) -> None:
        self.outcome: Outcome | None = None
        self._turns, self._thread = turns, threading.get_ident()
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def wake(self) -> None:
        if self._turns.leader is not self:
            with suppress(RuntimeError):  # it was woken already
                self._sleep.release()
        elif threading.get_ident() != self._thread:
            self._turns.nudge()

    def sleep(self) -> None:
        """Wait to be woken; once for however many times."""
        self._sleep.acquire()


class ThreadTurns:
    """Implements `line.Lead` for all threads."""

    def __init__(self, line: Line) -> None:
        self.leader: ThreadWaiter | None = None
        self._line = line
        self._followers: dict[ThreadWaiter, None] = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, waiter: ThreadWaiter) -> None:
        """Return once the waiter has its outcome."""
        try:
            while self._has_to_wait(waiter):
                if self.leader is waiter:
                    self._wait_for_socket()
                    self._line.pump()
                else:
                    waiter.sleep()
        finally:
            self._leave(waiter)

    def flush(self, unsent_max: int) -> None:
        """Return once at most `unsent_max` bytes are unsent."""
        while self._line.unsent > unsent_max:
            self._wait_for_socket()
            self._line.pump()

    def nudge(self) -> None:
        with suppress(BlockingIOError):  # it is full of nudges
            os.write(self._wake_write, b"!")

    def close(self) -> None:
        """Give the pipe up; nobody waits any more."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _has_to_wait(self, waiter: ThreadWaiter) -> bool:
        with self._line.section:
            if waiter.outcome is not None:
                return False
            if self.leader is None:
                self.leader = waiter
                self._line.leads.add(self)
            if self.leader is waiter:
                self._followers.pop(waiter, None)
            else:
                self._followers[waiter] = None
            return True

    def _wait_for_socket(self) -> None:
        poll = select.poll()
        poll.register(self._line.sock, select.POLLIN | (select.POLLOUT if self._line.unsent else 0))
        poll.register(self._wake_read, select.POLLIN)
        for descriptor, _ in poll.poll():
            if descriptor == self._wake_read:
                with suppress(BlockingIOError):  # another one was faster
                    os.read(self._wake_read, 4096)

    def _leave(self, waiter: ThreadWaiter) -> None:
        with self._line.section:
            self._followers.pop(waiter, None)
            if self.leader is waiter:
                self.leader = None
                self._line.leads.discard(self)
            if self.leader is None and self._followers:
                # It may not have slept yet; then it finds the lead free by itself.
                next(iter(self._followers)).wake()
