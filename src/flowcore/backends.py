"""The event loops that flowcore runs on."""

from __future__ import annotations

from enum import StrEnum


class Backend(StrEnum):
    """The event loop that a process runs on."""

    ASYNCIO = "asyncio"
    TRIO = "trio"
