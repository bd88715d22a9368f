"""`LogFiles`: writes the logs of tries, so that neither the event loop nor a task waits for the disk.

One thread writes what has piled up, file by file. What waits for it is bounded: whoever adds to it on a
thread waits for room, whoever does so on the event loop awaits it afterwards. Nothing is dropped, except
when the disk refuses it. No file stays open.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from flowcore.concurrency.loop_calls import call_soon
from flowcore.secrets.masking import PROCESS

log = logging.getLogger(__name__)

_WAITING_BYTES_MAX = 8 * 1024 * 1024
#: How long the end may take: a disk that hangs must not keep the process alive.
_CLOSE_S = 0.5


class LogSink(Protocol):
    """Where the lines of tries go."""

    def add(self, path: Path, lines: Iterable[str]) -> None:
        """Take lines for the log at that path; waits for room unless it is called on the loop's thread."""
        ...

    async def room(self) -> None:
        """Wait until there is room for more."""
        ...


@asynccontextmanager
async def open_log_files(folder: Path) -> AsyncIterator[LogFiles]:
    """Write logs below `folder` for the duration of the block; what was added in it is then written."""
    files = LogFiles(folder, current_token())
    thread = threading.Thread(target=files.work, name="flowcore-logs", daemon=True)
    thread.start()
    try:
        yield files
    finally:
        with anyio.move_on_after(_CLOSE_S, shield=True):
            await files.written()
        files.close()


class LogFiles:
    """Implements `LogSink`; made by `open_log_files`.

    Args:
        folder: Where the paths begin.
        token: The event loop that must not wait.
        mask: Makes a text fit to be read by anybody.
        waiting_max: How many bytes may wait to be written.
    """

    def __init__(
        self,
        folder: Path,
        token: EventLoopToken,
        *,
        mask: Callable[[str], str] = PROCESS.mask,
        waiting_max: int = _WAITING_BYTES_MAX,
    ) -> None:
        self.folder = folder
        self._token, self._mask, self._waiting_max = token, mask, waiting_max
        self._loop_thread = threading.get_ident()
        self._changed = threading.Condition()
        self._pending: dict[Path, list[str]] = {}
        self._waiting = 0
        self._added = self._written = 0
        self._is_closed = False
        self._progress = anyio.Event()
        self._refusal: str | None = None

    def add(self, path: Path, lines: Iterable[str]) -> None:
        lines = list(lines)
        size = sum(map(len, lines))
        with self._changed:
            if threading.get_ident() != self._loop_thread:
                self._changed.wait_for(lambda: self._has_room or self._is_closed)
            self._pending.setdefault(path, []).extend(lines)
            self._waiting += size
            self._added += 1
            self._changed.notify_all()

    async def room(self) -> None:
        while not self._has_room:
            await self._progress.wait()

    async def written(self) -> None:
        """Wait until everything that was added before this call is written."""
        target = self._added
        while self._written < target:
            await self._progress.wait()

    def close(self) -> None:
        """Let the thread end; it writes nothing any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def work(self) -> None:
        """What the thread does until `close`."""
        while (taken := self._take()) is not None:
            pending, added = taken
            size = 0
            for path, lines in pending.items():
                size += sum(map(len, lines))
                self._write(path, lines)
            with self._changed:
                self._waiting -= size
                self._written = added
                self._changed.notify_all()
            call_soon(self._token, self._tell_progress)

    @property
    def _has_room(self) -> bool:
        return self._waiting <= self._waiting_max

    def _take(self) -> tuple[dict[Path, list[str]], int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._is_closed)
            if self._is_closed:
                return None
            pending, self._pending = self._pending, {}
            return pending, self._added

    def _tell_progress(self) -> None:
        progress, self._progress = self._progress, anyio.Event()
        progress.set()

    def _write(self, path: Path, lines: Iterable[str]) -> None:
        text = self._mask("".join(f"{line}\n" for line in lines))
        try:
            _append(self.folder / path, text.encode("utf-8", "backslashreplace"))
            self._refusal = None
        except OSError as error:
            # Once, and not for every line: the log of the scheduler may be on the same disk.
            if self._refusal != error.strerror:
                self._refusal = error.strerror
                log.error("logs of tries cannot be written to %s: %s; lines are lost", self.folder, error)


def _append(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o644)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, flags, 0o644)
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)
