"""The loop of a fork server: forks children that run jobs, says how they end, and lets none be left over.

It has one thread and no event loop, so that a fork copies nothing that could be in the middle of
something. Its life is that of its control socket: when the other end is closed, also by a death, it kills
every process below it and returns. `connections.py` is the other end.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from itertools import groupby

from flowcore.errors import ProtocolError
from flowcore.runner.processes import linux
from flowcore.runner.processes.births import Birth, fork_all
from flowcore.runner.processes.control import (
    Fork,
    Inbox,
    SendSignal,
    ServerReady,
    control_frame,
    exited_frame,
)
from flowcore.runner.processes.forked_child import HELD_BACK, flush_outputs
from flowcore.sdk.comms.envelopes import Envelope
from flowcore.sdk.dags import DAG

#: How long to wait for killed processes to be gone; one that hangs in the kernel is left behind.
_LAST_WAIT_S = 5.0
#: So many orders are carried out before the server looks which children have ended.
_ORDERS_MAX = 16


class ForkLoop:
    """Serves one control socket with one set of imported Dags; `serve` it once."""

    def __init__(self, control: socket.socket, dags: Sequence[DAG] = ()) -> None:
        self._control, self._dags = control, dags
        self._inbox = Inbox()
        self._pids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        self._parent = os.getppid()
        self._native: set[int] = set()
        self._woken, self._wake = socket.socketpair()

    def serve(self) -> None:
        """Fork and reap until the other end of the control socket is closed, or sends nonsense."""
        self._prepare()
        try:
            self._control.sendall(control_frame(ServerReady()))
            while self._step():
                pass
        except ConnectionError:
            pass
        except ProtocolError as error:
            print(f"a fork server ends: {error}", file=sys.stderr)
        finally:
            self._kill_everything()

    def _prepare(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        linux.adopt_orphans()
        # Not SIGKILL: there is something to do when the parent dies.
        linux.set_parent_death_signal(signal.SIGCHLD)
        # What the author's imports have started belongs to the Dag file.
        self._native = linux.children_of_this_process()
        # What is there now is never looked at by the collector, which would copy its pages in each child.
        gc.collect()
        gc.freeze()
        _hold_standard_descriptors()
        # Or every child would write out what an import has left in the buffers.
        flush_outputs()

    def _step(self) -> bool:
        """Wait for something to do, and do it; false when there never will be."""
        ready = _wait_for(self._control, self._woken)
        if self._woken.fileno() in ready:
            self._reap()
        if os.getppid() != self._parent:
            return False
        return self._control.fileno() not in ready or self._obey()

    def _obey(self) -> bool:
        """Carry out the orders that are there; false when the other end is closed."""
        orders, is_open = self._arrived()
        for is_fork, some in groupby(orders, key=lambda order: isinstance(order.message, Fork)):
            if is_fork:
                self._fork([self._birth(order) for order in some])
            else:
                for order in some:
                    self._signal(order)
        return is_open

    def _arrived(self) -> tuple[list[Envelope], bool]:
        orders: list[Envelope] = []
        # Reading once brings no more than one order with its descriptors.
        while len(orders) < _ORDERS_MAX and _wait_for(self._control, timeout_s=0.0):
            envelopes = self._inbox.receive(self._control)
            if envelopes is None:
                return orders, False
            orders += envelopes
        return orders, True

    def _birth(self, order: Envelope) -> Birth:
        if order.id is None or not isinstance(order.message, Fork):
            raise _no_order(order)
        return Birth(order.id, order.message, self._inbox.take_fds())

    def _fork(self, births: Sequence[Birth]) -> None:
        try:
            fork_all(births, dags=self._dags, let_go=self._close)
            for birth in births:
                if birth.pid:
                    self._pids[birth.number], self._numbers[birth.pid] = birth.pid, birth.number
            self._control.sendall(b"".join([birth.answer for birth in births]))
        finally:
            for birth in births:
                birth.close()

    def _close(self) -> None:
        for end in (self._control, self._woken, self._wake):
            end.close()
        self._inbox.close()

    def _signal(self, order: Envelope) -> None:
        message = order.message
        if order.id is None or not isinstance(message, SendSignal):
            raise _no_order(order)
        pid = self._pids.get(order.id)
        # A child that has ended is unknown here, so the signal cannot hit another process with its id.
        if pid is not None:
            _send_signal(pid, message.number, to_group=message.to_group)

    def _reap(self) -> None:
        _empty(self._woken)
        ended = _reaped()
        for pid in ended.keys() & self._numbers.keys():
            _send_signal(pid, signal.SIGKILL, to_group=True)
        self._kill_strangers()
        news = b"".join([self._forgotten(pid, code) for pid, code in ended.items() if pid in self._numbers])
        if news:
            self._control.sendall(news)

    def _forgotten(self, pid: int, code: int) -> bytes:
        """What the scheduler is told of a child that has ended."""
        number = self._numbers.pop(pid)
        del self._pids[number]
        return exited_frame(code, number)

    def _kill_strangers(self) -> None:
        """Kill what was left behind by children that have ended, and was adopted by this process."""
        for pid in linux.children_of_this_process() - self._numbers.keys() - self._native:
            _send_signal(pid, signal.SIGKILL)

    def _kill_everything(self) -> None:
        deadline = time.monotonic() + _LAST_WAIT_S
        self._native = set()
        for pid in self._numbers:
            _send_signal(pid, signal.SIGKILL, to_group=True)
        self._numbers.clear()
        while _has_children() and (remaining_s := deadline - time.monotonic()) > 0:
            self._kill_strangers()
            _wait_for(self._woken, timeout_s=remaining_s)
            _empty(self._woken)


def _no_order(envelope: Envelope) -> ProtocolError:
    return ProtocolError(f"it sent a {type(envelope.message).__name__}, which is no order to a fork server")


def _wait_for(*sources: socket.socket, timeout_s: float | None = None) -> set[int]:
    """Which descriptors can be read, or were closed by the other end."""
    polling = select.poll()
    for source in sources:
        polling.register(source, select.POLLIN)
    return {fd for fd, _ in polling.poll(None if timeout_s is None else timeout_s * 1000)}


def _empty(source: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        while source.recv(4096):
            pass


def _reaped() -> dict[int, int]:
    """The exit codes of children that have ended, by process id; negative codes are signals."""
    found: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    return found


def _has_children() -> bool:
    _reaped()
    try:
        return os.waitpid(-1, os.WNOHANG)[0] >= 0
    except ChildProcessError:
        return False


def _send_signal(pid: int, number: int, *, to_group: bool = False) -> None:
    # It may have ended, or have become somebody else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        (os.killpg if to_group else os.kill)(pid, number)


def _hold_standard_descriptors() -> None:
    """Open what an import may have closed, so that no socket gets one of the numbers 0 to 2."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)
