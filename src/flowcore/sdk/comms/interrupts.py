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

    Signal handlers and finalizers run whenever they like, so the thread that holds it may come again.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._entered = 0

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread is in here."""
        return self._owner == threading.get_ident()

    @property
    def is_nested(self) -> bool:
        """Whether the thread that is in here, and asks, was in here already."""
        return self._entered > 1

    def __enter__(self) -> None:
        global _depth
        if threading.current_thread() is threading.main_thread():
            _depth += 1
        self._lock.acquire()
        self._owner = threading.get_ident()
        self._entered += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered -= 1
        if not self._entered:
            self._owner = None
        self._lock.release()
        if threading.current_thread() is threading.main_thread():
            _leave()


def _leave() -> None:
    global _depth, _put_off
    _depth -= 1
    if not _depth and _put_off is not None:
        interruption, _put_off = _put_off, None
        raise interruption
