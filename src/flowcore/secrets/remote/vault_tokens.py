"""The life of a Vault token: login, renewal before it expires, and whether one that was refused still lives.

Renewal happens on the way of a lookup: a token that nobody uses for as long as it lives expires, and
the next lookup logs in again. A token that was given cannot be had again that way, so it has to be
one that lives longer than the pauses between lookups.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs
import httpx

from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_answers import Answer
from flowcore.secrets.remote.http_tokens import Token
from flowcore.secrets.remote.vault_logins import Login


@attrs.frozen
class VaultApi:
    """Requests to one Vault server in one namespace."""

    calls: HttpCalls
    url: str
    namespace: str | None = None

    async def get(self, path: str, token: Token, key: str) -> Answer:
        """Read a path, which is quoted already."""
        return await self._send("GET", path, b"", token, key)

    async def post(self, path: str, body: Mapping[str, str], token: Token | None, key: str) -> Answer:
        """Send a JSON object to a path."""
        return await self._send("POST", path, json.dumps(body).encode(), token, key)

    async def _send(self, method: str, path: str, content: bytes, token: Token | None, key: str) -> Answer:
        # Vault's agent answers only requests that carry the first: browsers cannot be made to send it.
        headers = {"X-Vault-Request": "true", "Accept": "application/json"}
        if token is not None:
            headers["X-Vault-Token"] = token.text
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        request = httpx.Request(method, f"{self.url}/v1/{path}", headers=headers, content=content)
        return await self.calls.send(request, key)


@attrs.frozen
class VaultTokens:
    """Gets tokens from Vault; `http_tokens.Tokens` keeps them."""

    api: VaultApi
    login: Login

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        """Renew the token that is about to expire if Vault lets us, else log in.

        Raises:
            SecretsDenied: Vault refuses the credentials.
            SecretsError: it could not be asked.
        """
        if expiring is not None and expiring.is_renewable:
            answer = await self.api.post("auth/token/renew-self", {}, expiring, key)
            if answer.status == 200:
                renewed = self._token(answer, key)
                # Towards the most that a token may live, renewal gives less and less.
                if renewed.lifetime_s > expiring.lifetime_s / 2 or self.login.auth_type == "token":
                    return renewed
        if self.login.auth_type == "token":
            return await self._given(key)
        return await self._logged_in(key)

    async def is_dead(self, token: Token, key: str) -> bool:
        """Whether Vault no longer knows the token, rather than does not let it read something."""
        return (await self.api.get("auth/token/lookup-self", token, key)).status != 200

    async def _logged_in(self, key: str) -> Token:
        try:
            body = await self.login.body()
        except OSError as error:
            raise self._unreadable(key, "kubernetes_jwt_path") from error
        answer = await self.api.post(self.login.path, body, None, key)
        if answer.status in (400, 401, 403):  # 400: no such role, or a wrong secret_id
            raise self.api.calls.denied(key, f"Vault refuses the {self.login.auth_type} login")
        return self._token(answer, key)

    async def _given(self, key: str) -> Token:
        try:
            text = await self.login.given_token()
        except OSError as error:
            raise self._unreadable(key, "token_path") from error
        answer = await self.api.get("auth/token/lookup-self", Token(text, math.inf), key)
        if answer.status == 403:
            # It may be good all the same: a policy can forbid this question. Reading will tell.
            return Token(text, math.inf)
        data = self.api.calls.document(answer, key).get("data")
        return self._leased(text, data, "ttl", key)

    def _token(self, answer: Answer, key: str) -> Token:
        auth = self.api.calls.document(answer, key).get("auth")
        text = auth.get("client_token") if isinstance(auth, dict) else None
        return self._leased(text, auth, "lease_duration", key)

    def _leased(self, text: object, lease: Any, duration: str, key: str) -> Token:
        seconds = lease.get(duration) if isinstance(lease, dict) else None
        if not isinstance(text, str) or not isinstance(seconds, int):
            raise self.api.calls.garbled(key, "Vault's answer holds no token; check that url is Vault's own")
        # Vault says 0 of tokens that do not expire.
        return Token(text, float(seconds) or math.inf, is_renewable=lease.get("renewable") is True)

    def _unreadable(self, key: str, option: str) -> Exception:
        return self.api.calls.denied(key, f"the file that {option} names cannot be read")
