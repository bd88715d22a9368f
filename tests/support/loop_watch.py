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
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio

TICK_S = 0.1
#: Less processor time than that between two ticks means that the thread was asleep. One that waits for a
#: processor gets at least a slice of it, for without one it could not let the watching thread tick.
ASLEEP_S = 0.0002


class LoopWatch:
    """The rounds of one thread's loops, and the rounds that lasted too long.

    A round is to blame for the ticks of the watching thread that it slept through and for the
    processor time that it used. Waiting for a processor counts as neither: on a busy machine no test
    is blamed.
    """

    def __init__(self, *, limit_s: float = 1.0) -> None:
        self.limit_s = limit_s
        self._round: int | None = None
        self._numbers = itertools.count()
        self._thread_id = 0
        self._clock = 0
        self._blockers: list[str] = []
        self.noticed = threading.Event()
        """Set when somebody was blamed."""

    def begin_round(self) -> None:
        """The loop has seen its events and runs tasks now."""
        if self._thread_id != (thread_id := threading.get_ident()):
            self._thread_id, self._clock = thread_id, time.pthread_getcpuclockid(thread_id)
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
        blocked_s = used_before = 0.0
        while not stop.wait(TICK_S):
            current, used = self._round, self._used()
            if current is None or current != seen:
                blocked_s = 0.0
            else:
                computed_s = used - used_before
                before, blocked_s = blocked_s, blocked_s + (TICK_S if computed_s < ASLEEP_S else computed_s)
                if before < self.limit_s <= blocked_s:  # each round is reported once
                    self._blockers.append(self._stack_of_the_loop())
                    self.noticed.set()
            seen, used_before = current, used

    def _used(self) -> float:
        """The processor time of the loop's thread so far."""
        try:
            return time.clock_gettime(self._clock) if self._clock else 0.0
        except OSError:  # the thread has ended
            return 0.0

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
