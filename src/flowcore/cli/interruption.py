"""What SIGINT and SIGTERM do to a command that is not a service: cancel what it does, then say so."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskStatus

from flowcore.cli.failures import Interrupted


@asynccontextmanager
async def cancelled_by_signal(on_signal: Callable[[], None]) -> AsyncIterator[None]:
    """Cancel the block when SIGINT or SIGTERM comes, after a call of `on_signal`.

    Further signals change nothing: `timeout` and some shells send each of them twice.

    Raises:
        Interrupted: after the block has cleaned up.
    """
    received: list[signal.Signals] = []
    async with anyio.create_task_group() as nursery:
        with anyio.CancelScope() as block:
            await nursery.start(_listen, received, on_signal, block)
            yield
        nursery.cancel_scope.cancel()
    if received:
        raise Interrupted(received[0])


async def _listen(
    received: list[signal.Signals],
    on_signal: Callable[[], None],
    block: anyio.CancelScope,
    *,
    task_status: TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for signum in signals:
            if not received:
                on_signal()
                block.cancel()
            received.append(signum)
