"""Access tokens that expire: fetched once for everybody who waits, renewed early, replaced when refused."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio
import attrs

from flowcore.errors import SecretsError

#: A token is replaced when a third of its life is left, and always with this many seconds to go.
EARLY_S = 10.0


@attrs.frozen(eq=False)
class Token:
    """A token and how long it is good for, in seconds from when it was issued; inf for ever."""

    text: str = attrs.field(repr=False)
    lifetime_s: float
    is_renewable: bool = False


class Tokens:
    """The token of one backend; any number of lookups may ask for it at the same time.

    Args:
        fetch: Gets a token on behalf of the key that is looked up. It is given the token that is
            about to expire, or None when there is none that could be renewed.
    """

    def __init__(self, fetch: Callable[[str, Token | None], Awaitable[Token]]) -> None:
        self._fetch = fetch
        self._token: Token | None = None
        self._expiry = -math.inf  # a time of the event loop, as a deadline is
        self._lock = anyio.Lock()
        self._failure: SecretsError | None = None
        self._failures = 0

    async def current(self, key: str) -> Token:
        """The token, fetched or renewed if need be.

        Raises:
            SecretsError: none could be had; as `fetch` raised it, also to those who waited meanwhile.
        """
        if self._token is not None and self._is_fresh(self._token):
            return self._token
        failures = self._failures
        async with self._lock:
            if self._token is not None and self._is_fresh(self._token):
                return self._token
            self._fail_as_others_did(key, failures)
            return await self._renewed(key)

    async def instead_of(self, refused: Token, key: str) -> Token:
        """Another token than one that was refused. Raises as `current`."""
        if self._token is refused:
            self._token = None
        return await self.current(key)

    def _is_fresh(self, token: Token) -> bool:
        left_s = self._expiry - anyio.current_time()
        return left_s == math.inf or left_s > max(EARLY_S, token.lifetime_s / 3)

    def _fail_as_others_did(self, key: str, failures: int) -> None:
        # Without this, those who wait for a dead service would ask it one after another.
        if self._failure is not None and self._failures != failures:
            raise type(self._failure)(self._failure.backend, key, self._failure.reason)

    async def _renewed(self, key: str) -> Token:
        old = self._token
        try:
            # Taken before: how long the answer was on its way counts as part of the token's life.
            asked = anyio.current_time()
            token = await self._fetch(key, old)
        except SecretsError as error:
            if old is not None and anyio.current_time() < self._expiry:
                return old  # it was early: the old token is good for a while yet
            self._failure, self._failures = error, self._failures + 1
            raise
        self._token, self._expiry, self._failure = token, asked + token.lifetime_s, None
        return token
