"""Which event loop this code runs on."""

from __future__ import annotations

from anyio.lowlevel import current_token

from flowcore.backends import Backend


def current_backend() -> Backend:
    """The event loop that runs the caller."""
    owner = type(current_token().native_token).__module__
    return Backend.TRIO if owner.partition(".")[0] == "trio" else Backend.ASYNCIO
