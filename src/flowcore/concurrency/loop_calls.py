"""Calls into an event loop from any thread, without waiting for them.

AnyIO's own calls from threads wait for the result. Whoever wakes others must not: the loop may be
blocked by code that waits for the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio.lowlevel import EventLoopToken


def call_soon(token: EventLoopToken, function: Callable[..., object], *args: Any) -> bool:
    """Let the loop call a function that does not wait; False if the loop has ended and calls nothing."""
    native: Any = token.native_token
    # One is asyncio's name for it, the other one trio's; both are thread-safe and return at once.
    schedule = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
    try:
        schedule(function, *args)
    except RuntimeError:
        return False
    return True
