"""What SIGINT and SIGTERM do to a command that is not a service: cancel what it does, then say so."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

import anyio
from anyio.abc import TaskStatus

from flowcore.cli.failures import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def cancelled_by_signal(on_signal: Callable[[], None]) -> AsyncIterator[None]:
    """Cancel the block when SIGINT or SIGTERM comes, after a call of `on_signal`.

    Further signals change nothing: `timeout` and some shells send each of them twice.

    Raises:
        Interrupted: after the block has cleaned up.
    """
    received: list[signal.Signals] = []
    with _noted(received):
        async with anyio.create_task_group() as nursery:
            with anyio.CancelScope() as block:
                await nursery.start(_listen, received, on_signal, block)
                yield
            nursery.cancel_scope.cancel()
    if received:
        raise Interrupted(received[0])


@contextmanager
def _noted(received: list[signal.Signals]) -> Iterator[None]:
    """Catch what comes before the receiver is open, and what trio delivers again when it is closed."""

    def note(signum: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(signum))

    previous = {signum: signal.signal(signum, note) for signum in _SIGNALS}
    try:
        yield
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)


async def _listen(
    received: list[signal.Signals],
    on_signal: Callable[[], None],
    block: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        task_status.started()
        if not received:
            received.append(await anext(signals))
        on_signal()
        block.cancel()
        await anyio.sleep_forever()
