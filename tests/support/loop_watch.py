"""Notice that an event loop has stopped answering, and who stopped it. No pytest in here.

A loop waits for I/O once per round. A round that lasts long means that somebody blocked the thread.
asyncio tells us about its rounds through its selector, trio through an instrument; neither adds a
task to the loop, so schedules and virtual clocks are as without the watch.
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio

TICK_S = 0.1


class LoopWatch:
    """The rounds of one thread's loops, and the rounds that lasted too long.

    Time is counted in ticks of the watching thread, not read from a clock: on a machine so busy
    that nobody runs, the ticks stand still as well and no test is blamed.
    """

    def __init__(self, *, limit_s: float = 1.0) -> None:
        self.limit_s = limit_s
        self._round: int | None = None
        self._numbers = itertools.count()
        self._thread_id = 0
        self._blockers: list[str] = []

    def begin_round(self) -> None:
        """The loop has seen its events and runs tasks now."""
        self._thread_id = threading.get_ident()
        self._round = next(self._numbers)

    def end_round(self) -> None:
        """The loop waits for I/O, or has ended."""
        self._round = None

    def take_blockers(self) -> list[str]:
        """Return and forget the stacks of those who blocked a loop for longer than the limit."""
        blockers, self._blockers = self._blockers, []
        return blockers

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the watching thread for the duration of the block."""
        stop = threading.Event()
        thread = threading.Thread(target=self._watch, args=(stop,), name="loop watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _watch(self, stop: threading.Event) -> None:
        seen: int | None = None
        ticks = 0
        while not stop.wait(TICK_S):
            current = self._round
            ticks = ticks + 1 if current is not None and current == seen else 0
            seen = current
            if ticks == round(self.limit_s / TICK_S):  # exactly: each round is reported once
                self._blockers.append(self._stack_of_the_loop())

    def _stack_of_the_loop(self) -> str:
        frame = sys._current_frames().get(self._thread_id)
        return "".join(traceback.format_stack(frame)[-8:])


class WatchedSelector(selectors.DefaultSelector):
    """Where an asyncio loop waits for I/O."""

    def __init__(self, watch: LoopWatch) -> None:
        super().__init__()
        self._watch = watch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._watch.end_round()
        try:
            return super().select(timeout)
        finally:
            self._watch.begin_round()


class WatchedLoop(asyncio.SelectorEventLoop):
    """An asyncio loop that reports its rounds; the last one ends with the loop."""

    def __init__(self, watch: LoopWatch) -> None:
        super().__init__(WatchedSelector(watch))
        self._watch = watch

    def run_forever(self) -> None:
        try:
            super().run_forever()
        finally:
            self._watch.end_round()


class WatchInstrument(trio.abc.Instrument):
    """trio's reports about its rounds."""

    def __init__(self, watch: LoopWatch) -> None:
        self._watch = watch

    def after_io_wait(self, timeout: float) -> None:
        self._watch.begin_round()

    def before_io_wait(self, timeout: float) -> None:
        self._watch.end_round()

    def after_run(self) -> None:
        self._watch.end_round()


def watched_backends(watch: LoopWatch) -> dict[str, dict[str, Any]]:
    """The options that put AnyIO's two backends under watch."""
    return {
        "asyncio": {"loop_factory": lambda: WatchedLoop(watch)},
        "trio": {"instruments": [WatchInstrument(watch)]},
    }
