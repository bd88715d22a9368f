"""What a service answered over HTTP, read to its end or to a limit, and never shown by accident."""

from __future__ import annotations

import json
from typing import Any

import attrs
import httpx

#: The services keep secrets of 1 MiB at most (Vault's default); encoded they are somewhat longer.
BODY_BYTES_MAX = 4 * 1024 * 1024


@attrs.frozen
class Answer:
    """What a service answered, read to its end."""

    status: int
    headers: httpx.Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def is_busy(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status == 429 or self.status >= 500

    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object; None when it is none."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            # Raised from here, a JSONDecodeError would carry the body along.
            return None
        return document if isinstance(document, dict) else None


async def read_body(response: httpx.Response) -> bytes:
    """The body, or `BODY_BYTES_MAX` of it and a little more where there is too much of it."""
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                # Leaving the loop would leave httpx's inner generators to the garbage collector; closing
                # makes the next read fail, which ends them from within.
                await response.aclose()
    except httpx.TransportError:
        if len(body) <= BODY_BYTES_MAX:
            raise
    return bytes(body)
