from __future__ import annotations

import signal

from flowcore.app.stop_signals import EXIT_S, stop_signals


class NotedDeadline:
    """Notes the deadlines, and ends nobody."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def set(self, seconds: float) -> None:
        self.seconds.append(seconds)


async def test_signals_come_in_order():
    with stop_signals(NotedDeadline(), grace_s=5) as signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            assert await anext(signals) == number


async def test_deadline_is_set_before_the_event_loop_knows():
    deadline = NotedDeadline()
    with stop_signals(deadline, grace_s=5) as signals:
        signal.raise_signal(signal.SIGTERM)
        assert deadline.seconds == [5 + EXIT_S]
        await anext(signals)


async def test_second_signal_skips_the_grace_period():
    deadline = NotedDeadline()
    with stop_signals(deadline, grace_s=5) as signals:
        for _ in range(2):
            signal.raise_signal(signal.SIGTERM)
            await anext(signals)
    assert deadline.seconds == [5 + EXIT_S, EXIT_S]


async def test_handlers_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with stop_signals(NotedDeadline(), grace_s=5):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) == before
