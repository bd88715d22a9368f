"""Waiting in coroutines: on each event loop one of them waits for the socket and reads for all.

Everything in here happens on the loop's own thread, except for `wake` and `nudge`, which call into it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable

import anyio
from anyio.lowlevel import EventLoopToken

from flowcore.concurrency.loop_calls import call_soon
from flowcore.sdk.comms.line import Line, Outcome


class LoopWaiter:
    """Implements `line.Waiter` for a coroutine."""

    def __init__(self, turns: LoopTurns) -> None:
        self.outcome: Outcome | None = None
        self.turns = turns
        self._woken = anyio.Event()

    def wake(self) -> None:
        self.turns.call(self._wake)

    async def sleep(self) -> None:
        """Wait to be woken; once for however many times."""
        await self._woken.wait()
        self._woken = anyio.Event()

    def _wake(self) -> None:
        if self.turns.leader is self:
            self.turns.look_again()
        else:
            self._woken.set()


class LoopTurns:
    """Implements `line.Lead` for the coroutines of one loop."""

    def __init__(self, line: Line, token: EventLoopToken) -> None:
        self.leader: LoopWaiter | None = None
        self.token = token
        self._line, self._thread = line, threading.get_ident()
        self._followers: dict[LoopWaiter, None] = {}
        self._waiting = anyio.CancelScope()

    @property
    def is_unused(self) -> bool:
        """Whether nobody waits."""
        return self.leader is None and not self._followers

    async def wait(self, waiter: LoopWaiter) -> None:
        """Return once the waiter has its outcome."""
        try:
            while self._has_to_wait(waiter):
                if self.leader is waiter:
                    await self._wait_for_socket(waiter)
                    self._line.pump()
                else:
                    await waiter.sleep()
        finally:
            self._leave(waiter)

    def nudge(self) -> None:
        self.call(self.look_again)

    def call(self, function: Callable[[], None]) -> None:
        """Call a function on the loop's thread, now if this is it."""
        if threading.get_ident() == self._thread:
            function()
        else:
            call_soon(self.token, function)

    def look_again(self) -> None:
        """Let the leader see that there is an answer for it, or something to send."""
        self._waiting.cancel()

    def _has_to_wait(self, waiter: LoopWaiter) -> bool:
        if self.leader is None and waiter.outcome is None:
            self.leader = waiter
            self._followers.pop(waiter, None)
            with self._line.section:
                self._line.leads.add(self)
        if self.leader is not waiter:
            self._followers[waiter] = None
            return waiter.outcome is None
        # Who leads leaves nothing unsent, unless another one goes on.
        return waiter.outcome is None or (self._line.unsent > 0 and not self._followers)

    async def _wait_for_socket(self, waiter: LoopWaiter) -> None:
        # Whoever changes what is looked at here cancels the scope, and it is in place before.
        with anyio.CancelScope() as self._waiting:
            if waiter.outcome is None or self._line.unsent:
                await _wait_for(self._line.sock, writable=self._line.unsent > 0)

    def _leave(self, waiter: LoopWaiter) -> None:
        self._followers.pop(waiter, None)
        if self.leader is waiter:
            self.leader = None
            with self._line.section:
                self._line.leads.discard(self)
        if self.leader is None and self._followers:
            next(iter(self._followers)).wake()


async def _wait_for(sock: socket.socket, *, writable: bool) -> None:
    if not writable:
        await anyio.wait_readable(sock)
        return
    async with anyio.create_task_group() as nursery:

        async def until(wait: Callable[[socket.socket], Awaitable[None]]) -> None:
            await wait(sock)
            nursery.cancel_scope.cancel()

        nursery.start_soon(until, anyio.wait_readable)
        nursery.start_soon(until, anyio.wait_writable)
