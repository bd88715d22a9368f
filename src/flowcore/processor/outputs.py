"""What a child prints, of which the end is kept: it may be any amount."""

from __future__ import annotations

import os

import anyio

from flowcore.secrets.masking import PROCESS

_CHUNK = 64 * 1024


class Tail:
    """The last `size` bytes of what is written to some pipes."""

    def __init__(self, size: int = 8_000) -> None:
        self._size, self._kept, self._left_out = size, b"", False

    async def collect(self, fd: int) -> None:
        """Read the non-blocking end of a pipe until nobody can write to it any more."""
        while chunk := await _read(fd):
            whole = self._kept + chunk
            self._left_out |= len(whole) > self._size
            self._kept = whole[-self._size :]

    @property
    def text(self) -> str:
        """As text, without secrets."""
        text = PROCESS.mask(self._kept.decode("utf-8", "backslashreplace")).strip()
        return f"[…] {text}" if self._left_out else text


async def _read(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, _CHUNK)
        except BlockingIOError:
            await anyio.wait_readable(fd)
