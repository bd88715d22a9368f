"""A PostgreSQL server that is killed, and started again as one that was killed is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

import anyio
import attrs
from anyio import to_thread

from tests.support.postgres import QUICK, Server, new_server, stop

_SETTINGS = {**QUICK, "max_connections": "60"}
#: A killed server's sessions keep its memory for a moment; so often is it tried to start another.
_STARTS_MAX = 40


@attrs.define(eq=False)
class MortalServer:
    """One server; only one fault happens to it at a time."""

    server: Server
    process: Popen[bytes]
    turn: anyio.Lock = attrs.field(factory=lambda: anyio.Lock())

    async def end(self, number: signal.Signals, away_s: float) -> None:
        """End it by a signal (QUIT: at once, KILL: without a word), and start it again after some seconds."""
        async with self.turn:
            self.process.send_signal(number)
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self.process.wait)
                await anyio.sleep(away_s)
                await self._start()

    async def _start(self) -> None:
        for _ in range(_STARTS_MAX):
            # Here and not in a thread: the server is to die with the thread that started it.
            self.process = self.server.start(_SETTINGS)
            try:
                await to_thread.run_sync(self.server.wait_until_ready, self.process)
            except RuntimeError:
                await anyio.sleep(0.25)
            else:
                return
        raise AssertionError("the server could not be started again")


@contextmanager
def mortal_server() -> Iterator[MortalServer]:
    """A server of our own: the tests' common one must stay."""
    with new_server() as server:
        made = MortalServer(server, server.start(_SETTINGS))
        try:
            server.wait_until_ready(made.process)
            yield made
        finally:
            stop(made.process)
