"""SIGTERM and SIGINT for a service: they set the deadline at once, also when the event loop hangs."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

from flowcore.app.deadline import Deadline

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

#: On top of the grace period: what the end of the last processes, the last reports and the end of the
#: interpreter may take. The rest of the second that is promised is for the message that it was not enough.
EXIT_S = 0.9


@contextmanager
def stop_signals(deadline: Deadline, *, grace_s: float) -> Iterator[AsyncIterator[signal.Signals]]:
    """Yield the signals as they come; the first sets the deadline, a second one skips the grace period."""
    allowed_s = grace_s

    def set_deadline() -> None:
        nonlocal allowed_s
        deadline.set(allowed_s + EXIT_S)
        allowed_s = 0.0

    with anyio.open_signal_receiver(*_SIGNALS) as signals, _called_on_signal(set_deadline):
        yield signals


@contextmanager
def _called_on_signal(notice: Callable[[], None]) -> Iterator[None]:
    # The handlers of the event loop only leave a note for it, which it does not read while a task
    # blocks it. Python calls ours in between, and also during most blocking calls.
    of_the_loop = {number: signal.getsignal(number) for number in _SIGNALS}

    def handle(number: int, frame: FrameType | None) -> None:
        notice()
        handler = of_the_loop[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in _SIGNALS:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in of_the_loop.items():
            signal.signal(number, handler)
