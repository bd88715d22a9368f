"""Frames: a length of four bytes, big-endian, and as many bytes. Nothing here waits.

A length beyond the limit is noticed before anything of that length is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from flowcore.errors import MessageTooLarge, ProtocolError

#: Longest payload of a frame, in bytes: each of many peers may make us keep one.
PAYLOAD_MAX = 16 * 1024 * 1024
_LENGTH = struct.Struct(">I")


def frame(payload: bytes, *, limit: int = PAYLOAD_MAX) -> bytes:
    """The payload as a frame.

    Raises:
        MessageTooLarge: it is longer than `limit` bytes.
    """
    if len(payload) > limit:
        raise MessageTooLarge(len(payload), limit)
    return _LENGTH.pack(len(payload)) + payload


class Unframing:
    """Cuts a stream of bytes, however it arrives, into the payloads of its frames."""

    def __init__(self, *, limit: int = PAYLOAD_MAX) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take what arrived, and give the payloads that are complete; take all of them before feeding more.

        Raises:
            ProtocolError: the peer announces a frame beyond the limit.
        """
        self._buffer += data
        while (payload := self._next()) is not None:
            yield payload

    def _next(self) -> bytes | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if length > self._limit:
            raise ProtocolError(f"it announced a frame of {length} bytes; the limit is {self._limit}")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        payload = bytes(self._buffer[_LENGTH.size : end])
        del self._buffer[:end]
        return payload
