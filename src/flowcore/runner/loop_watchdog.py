"""Notices that a try has blocked the event loop, from a thread, and finds out which one and where.

The loop is asked to answer once a second. If it does not, a signal makes the main thread say which try it
is in; code in C that does not let it say so is found by its frames.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from anyio.lowlevel import EventLoopToken

from flowcore.concurrency.loop_calls import call_soon

#: What nobody else uses, and what is ignored by processes that do not know it.
_SIGNAL = signal.SIGURG
_PERIOD_S = 1.0
_ANSWER_S = 0.2
_FRAMES_MAX = 20

Blocked = Callable[[int | None, float, str], None]


class LoopWatchdog:
    """Watches the loop of the main thread.

    Args:
        token: The loop.
        current_try: Which try the calling code belongs to; called on the main thread.
        try_of_frame: Which try a frame carries out, if it is the one that does so.
        blocked: Told the try, for how many seconds the loop was blocked when it was noticed, and the
            stack; called on the watching thread.
        limit_s: How long the loop may be blocked.
    """

    def __init__(
        self,
        token: EventLoopToken,
        *,
        current_try: Callable[[], int | None],
        try_of_frame: Callable[[FrameType], int | None],
        blocked: Blocked,
        limit_s: float = 1.0,
    ) -> None:
        self._token, self._limit_s = token, limit_s
        self._current_try, self._try_of_frame, self._blocked = current_try, try_of_frame, blocked
        self._main = threading.main_thread().ident or 0
        self._over = threading.Event()
        self._said = threading.Event()
        self._culprit: int | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch during the block; enter it on the main thread."""
        signal.signal(_SIGNAL, self._say)
        threading.Thread(target=self._watch, name="flowcore-watchdog", daemon=True).start()
        try:
            yield
        finally:
            self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(_PERIOD_S):
            answered = threading.Event()
            if not call_soon(self._token, answered.set):
                return
            if not answered.wait(self._limit_s):
                self._report()
                answered.wait()

    def _report(self) -> None:
        self._said.clear()
        self._culprit = None
        signal.pthread_kill(self._main, _SIGNAL)
        said = self._said.wait(_ANSWER_S)
        frame = sys._current_frames().get(self._main)
        culprit = self._culprit if said else _first(map(self._try_of_frame, _outwards(frame)))
        self._blocked(culprit, self._limit_s, stack_text(frame))

    def _say(self, number: int, frame: FrameType | None) -> None:
        # On the main thread, in the context of the task that runs there now.
        self._culprit = self._current_try()
        self._said.set()


def stack_text(frame: FrameType | None) -> str:
    """The innermost frames, as tracebacks show them."""
    return "".join(traceback.format_stack(frame, limit=_FRAMES_MAX)).rstrip()


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _first(found: Iterable[int | None]) -> int | None:
    return next((number for number in found if number is not None), None)
