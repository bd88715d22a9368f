"""Lines out of what a program prints, which comes in pieces."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from flowcore.runner.logs.lines import EVENT_LENGTH_MAX
from flowcore.secrets.masking import PROCESS


class PrintedText:
    """Put pieces in, get whole lines out. A line that is too long is handed out in parts."""

    def __init__(self, length_max: int = EVENT_LENGTH_MAX) -> None:
        self._length_max = length_max
        self._rest: list[str] = []
        self._length = 0

    def feed(self, text: str) -> Iterator[str]:
        """The lines that end in this piece, without their ends."""
        *ended, rest = text.split("\n")
        for line in ended:
            self._keep(line)
            yield from self._taken()
        self._keep(rest)
        if self._length > 2 * self._length_max:
            # What is held back has the whole of a secret that has not ended yet.
            *parts, last_but_one, last = self._parts("".join(self._rest))
            yield from parts
            self._rest, self._length = [last_but_one, last], len(last_but_one) + len(last)

    def end(self) -> Iterator[str]:
        """What stands after the last end of a line, if anything does."""
        if self._length:
            yield from self._taken()

    def _keep(self, text: str) -> None:
        self._rest.append(text)
        self._length += len(text)

    def _taken(self) -> Iterator[str]:
        line = "".join(self._rest).removesuffix("\r")
        self._rest, self._length = [], 0
        yield from self._parts(line)

    def _parts(self, line: str) -> Iterator[str]:
        if len(line) > self._length_max:
            line = PROCESS.mask(line)  # half a secret would not be known as one
        while len(line) > self._length_max:
            # Not in the middle of a word: of what comes later, it may be the first half of a secret.
            cut = line.rfind(" ", self._length_max // 2, self._length_max) + 1 or self._length_max
            yield line[:cut]
            line = line[cut:]
        yield line


class PrintedBytes:
    """The same for bytes in UTF-8; others are shown as escapes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._text = PrintedText()

    def feed(self, data: bytes) -> Iterator[str]:
        return self._text.feed(self._decoder.decode(data))

    def end(self) -> Iterator[str]:
        yield from self._text.feed(self._decoder.decode(b"", final=True))
        yield from self._text.end()
