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
        self._turns = turns
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def wake(self) -> None:
        if self._turns.leads(self):
            self._turns.nudge()
        else:
            with suppress(RuntimeError):  # it was woken already
                self._sleep.release()

    def sleep(self) -> None:
        """Wait to be woken; once for however many times."""
        self._sleep.acquire()


class ThreadTurns:
    """Implements `line.Lead` for all threads."""

    def __init__(self, line: Line) -> None:
        self._line = line
        # The last one leads. Those before it are further down on the stack of its thread: a signal
        # handler or a finalizer asked while they waited.
        self._leaders: list[ThreadWaiter] = []
        self._leading_thread = 0
        self._followers: dict[ThreadWaiter, None] = {}
        self._looks_again = False
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wait(self, waiter: ThreadWaiter) -> None:
        """Return once the waiter has its outcome."""
        try:
            while self._has_to_wait(waiter):
                if self.leads(waiter):
                    self._wait_for_socket()
                else:
                    waiter.sleep()
        finally:
            self._leave(waiter)

    def leads(self, waiter: ThreadWaiter) -> bool:
        """Whether the waiter reads for all, or will again once its own stack lets it."""
        return waiter in self._leaders

    def flush(self, unsent_max: int) -> None:
        """Return once at most `unsent_max` bytes are unsent."""
        # Without the pipe: a nudge that is taken here would be missed by the leader.
        while self._line.unsent > unsent_max:
            poll = select.poll()
            poll.register(self._line.sock, select.POLLIN | select.POLLOUT)
            poll.poll()
            self._line.pump()

    def nudge(self) -> None:
        if not self._looks_again:
            with suppress(BlockingIOError):  # it is full of nudges
                os.write(self._wake_write, b"!")

    def close(self) -> None:
        """Give the pipe up; nobody waits any more."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _has_to_wait(self, waiter: ThreadWaiter) -> bool:
        with self._line.section:
            self._looks_again = False
            if waiter.outcome is None and self._may_lead(waiter):
                self._leaders.append(waiter)
                self._leading_thread = threading.get_ident()
                self._followers.pop(waiter, None)
                self._line.leads.add(self)
            if not self.leads(waiter):
                self._followers[waiter] = None
                return waiter.outcome is None
            # Who leads leaves nothing unsent, unless another one goes on.
            return waiter.outcome is None or (self._line.unsent > 0 and not self._followers)

    def _may_lead(self, waiter: ThreadWaiter) -> bool:
        if self.leads(waiter):
            return False
        return not self._leaders or self._leading_thread == threading.get_ident()

    def _wait_for_socket(self) -> None:
        poll = select.poll()
        poll.register(self._line.sock, select.POLLIN | (select.POLLOUT if self._line.unsent else 0))
        poll.register(self._wake_read, select.POLLIN)
        for descriptor, _ in poll.poll():
            if descriptor == self._wake_read:
                os.read(self._wake_read, 4096)
        with self._line.section:
            # Until it has looked at its outcome, the leader needs no nudge.
            self._looks_again = True
            self._line.pump()

    def _leave(self, waiter: ThreadWaiter) -> None:
        with self._line.section:
            self._followers.pop(waiter, None)
            if not self.leads(waiter):
                self._promote()
                return
            self._leaders.remove(waiter)
            self._looks_again = False
            if self._leaders:
                self.nudge()  # it was nudged in vain while somebody else was on top of it
            else:
                self._line.leads.discard(self)
                self._promote()

    def _promote(self) -> None:
        if not self._leaders and self._followers:
            # It may not have slept yet; then it finds the lead free by itself.
            next(iter(self._followers)).wake()
