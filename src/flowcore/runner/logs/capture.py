"""Captures what the code of a try logs and prints, and knows which try it was by context variable.

`capturing` puts itself in the place of `sys.stdout` and `sys.stderr` and among the handlers of the root
logger; inside of `captured_by` what is said goes to a `TryLog`, elsewhere where it always went. Threads
need a context: see `thread_contexts.py`. What others than Python write to the descriptors is not seen.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TextIO

from flowcore.runner.logs.lines import STDERR, STDOUT, printed_line, record_line
from flowcore.runner.logs.printed_text import PrintedText

Emit = Callable[[Sequence[str]], None]


class TryLog:
    """Makes lines of what a try says, and hands them to `emit`, which raises nothing; for any thread."""

    def __init__(self, emit: Emit) -> None:
        self._emit, self.pid = emit, os.getpid()
        self._printed = {STDOUT: PrintedText(), STDERR: PrintedText()}
        self._printing = threading.Lock()

    def log(self, record: logging.LogRecord) -> None:
        """Take what was logged."""
        self._emit([record_line(record)])

    def print(self, stream: str, text: str) -> None:
        """Take what was printed; a line is a line once it has ended."""
        with self._printing:
            lines = list(self._printed[stream].feed(text))
        self._emit_printed(stream, lines)

    def end(self) -> None:
        """Let go of what was printed last, although its line has not ended."""
        for stream, printed in self._printed.items():
            with self._printing:
                lines = list(printed.end())
            self._emit_printed(stream, lines)

    def _emit_printed(self, stream: str, lines: Sequence[str]) -> None:
        if lines:
            at = time.time()
            self._emit([printed_line(stream, line, at=at) for line in lines])


_current: ContextVar[TryLog | None] = ContextVar("flowcore_try_log", default=None)


@contextmanager
def captured_by(log: TryLog) -> Iterator[None]:
    """Let `log` have what is said in this block."""
    token = _current.set(log)
    try:
        yield
    finally:
        _current.reset(token)
        log.end()


@contextmanager
def capturing() -> Iterator[None]:
    """Capture in this block. The level of the root logger decides what is logged."""
    root, handler = logging.getLogger(), _Capture()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = CapturedStream(STDOUT, sys.stdout), CapturedStream(STDERR, sys.stderr)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        sys.stdout, sys.stderr = streams


def _log_of_try() -> TryLog | None:
    log = _current.get()
    # A process that the try has forked has no part in its socket: it writes to its descriptors.
    return log if log is not None and log.pid == os.getpid() else None


class _Capture(logging.Handler):
    """Hands records to the log of the try that says them."""

    def createLock(self) -> None:
        # A thread that waits for its supervisor must not hold up what the others log.
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        log = _log_of_try()
        if log is not None:
            log.log(record)


class CapturedStream(io.TextIOBase):
    """In the place of `sys.stdout` or `sys.stderr`."""

    def __init__(self, name: str, original: TextIO) -> None:
        self._name, self._original = name, original
        self.buffer = _CapturedBytes(self)

    encoding = "utf-8"

    def write(self, text: str, /) -> int:
        log = _log_of_try()
        if log is None:
            return self._original.write(text)
        log.print(self._name, text)
        return len(text)

    def flush(self) -> None:
        with suppress(ValueError):  # it is closed
            self._original.flush()

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return _log_of_try() is None and self._original.isatty()

    def fileno(self) -> int:
        return self._original.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


class _CapturedBytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, stream: CapturedStream) -> None:
        self._stream = stream

    def write(self, data: Any, /) -> int:
        text = bytes(data).decode("utf-8", "backslashreplace")
        self._stream.write(text)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True
