"""OAuth 2 as Google and Azure speak it: tokens, and requests that bear one.

A token is had for a form, or from the machine that we run on where the cloud looks after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from flowcore.errors import SecretsUnavailable
from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_answers import Answer
from flowcore.secrets.remote.http_tokens import Token, Tokens


async def exchange(calls: HttpCalls, url: str, form: Mapping[str, str], *, issuer: str, key: str) -> Token:
    """Get a token for a form, on behalf of the lookup of `key`; `issuer` names the service in errors.

    Raises:
        SecretsDenied: the issuer refuses what the form claims.
        SecretsError: it could not be asked, or answers something else.
    """
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = httpx.Request("POST", url, headers=headers, content=urlencode(form).encode())
    return await _token(calls, request, issuer, key)


async def ask_machine(
    calls: HttpCalls, url: str, headers: Mapping[str, str], *, issuer: str, key: str
) -> Token:
    """Get a token from the service that a cloud's machines have beside them. Raises as `exchange`."""
    try:
        return await _token(calls, httpx.Request("GET", url, headers=dict(headers)), issuer, key)
    except SecretsUnavailable:
        reason = (
            f"no credentials are given, and {issuer} does not answer; give some in secrets_backend_kwargs"
        )
    raise SecretsUnavailable(calls.backend, key, reason)


async def _token(calls: HttpCalls, request: httpx.Request, issuer: str, key: str) -> Token:
    answer = await calls.send(request, key)
    # RFC 6749 has 400 for a grant that is no longer valid, and 401 for a wrong client secret.
    if answer.status in (400, 401, 403):
        raise calls.denied(key, f"{issuer} refuses the credentials (HTTP status {answer.status})")
    document = calls.document(answer, key)
    text, lifetime = document.get("access_token"), str(document.get("expires_in"))
    # Azure's machines write the number as a text.
    if not isinstance(text, str) or not lifetime.isdecimal():
        raise calls.garbled(key, f"{issuer} answers with no token; check the URL it is asked at")
    return Token(text, float(lifetime))


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
