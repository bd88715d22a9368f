"""OAuth 2 as Google and Azure speak it: a form is exchanged for a token, which requests then bear."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from flowcore.secrets.http import HttpCalls
from flowcore.secrets.http_answers import Answer
from flowcore.secrets.http_tokens import Token, Tokens


async def exchange(calls: HttpCalls, url: str, form: Mapping[str, str], *, issuer: str, key: str) -> Token:
    """Get a token for a form, on behalf of the lookup of `key`; `issuer` names the service in errors.

    Raises:
        SecretsDenied: the issuer refuses what the form claims.
        SecretsError: it could not be asked, or answers something else.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = httpx.Request("POST", url, headers=headers, content=urlencode(form).encode())
    answer = await calls.send(request, key)
    # RFC 6749 has 400 for a grant that is no longer valid, and 401 for a wrong client secret.
    if answer.status in (400, 401, 403):
        raise calls.denied(key, f"{issuer} refuses the credentials (HTTP status {answer.status})")
    document = calls.document(answer, key)
    text, lifetime_s = document.get("access_token"), document.get("expires_in")
    if not isinstance(text, str) or not isinstance(lifetime_s, int | float):
        raise calls.garbled(key, f"{issuer} answers with no token; check the URL it is asked at")
    return Token(text, float(lifetime_s))


async def get(calls: HttpCalls, url: str, tokens: Tokens, *, key: str) -> Answer:
    """Read a URL; once more with another token if the service says that it does not know ours."""
    token = await tokens.current(key)
    answer = await calls.send(_bearing(token, url), key)
    if answer.status == 401:
        token = await tokens.instead_of(token, key)
        answer = await calls.send(_bearing(token, url), key)
    return answer


def _bearing(token: Token, url: str) -> httpx.Request:
    return httpx.Request("GET", url, headers={"Authorization": f"Bearer {token.text}"})
