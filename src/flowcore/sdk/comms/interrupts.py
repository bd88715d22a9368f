"""Interrupts of the main thread by a signal, put off while it changes something that others rely on.

A signal handler that raises may do so between any two instructions, and so leave half a message read or a
lock held for ever. A handler that calls `interrupt` raises at once, or at the end of the section.
"""

from __future__ import annotations

import threading
from types import TracebackType

_depth = 0
_put_off: BaseException | None = None


def interrupt(error: BaseException) -> None:
    """Raise `error` in the main thread; for signal handlers, which run there.

    If that is in a section now, it is raised when the section ends.
    """
    global _put_off
    if not _depth:
        raise error
    _put_off = error


class Section:
    """A lock that is held for moments, and never across a wait; no interrupt arrives while it is held.

    Finalizers run whenever they like, so the thread that holds it may come again; `is_nested` tells.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._entered = 0

    @property
    def is_nested(self) -> bool:
        """Whether the thread that is in here was in here already."""
        return self._entered > 1

    def __enter__(self) -> None:
        global _depth
        if threading.current_thread() is threading.main_thread():
            _depth += 1
        self._lock.acquire()
        self._entered += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        global _depth, _put_off
        self._entered -= 1
        self._lock.release()
        if threading.current_thread() is not threading.main_thread():
            return
        _depth -= 1
        if not _depth and _put_off is not None:
            interruption, _put_off = _put_off, None
            raise interruption
