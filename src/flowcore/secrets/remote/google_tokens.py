"""Access tokens for Google's services, from the key of a service account.

google-auth signs the claim; httpx sends it, so that a lookup waits on the event loop.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from google.auth import crypt, jwt

from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_oauth import exchange
from flowcore.secrets.remote.http_options import service_url
from flowcore.secrets.remote.http_tokens import Token

#: How long a claim may be used; an hour is the most that Google takes.
CLAIM_S = 3600
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@attrs.frozen
class ServiceAccount:
    """A service account and its private key, as its key file has them."""

    email: str
    token_uri: str
    project_id: str | None
    signer: Any = attrs.field(repr=False)  # a google.auth.crypt.Signer

    @classmethod
    def from_options(cls, path: str | None, fields: Mapping[str, Any] | str | None) -> ServiceAccount | None:
        """Read the key file at `path`, or `fields` that hold the same, or what the environment names, if any.

        Raises:
            ValueError: the key cannot be read; the message never quotes it.
        """
        path = path or os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        if fields is None and not path:
            return None
        key = _object(fields) if fields is not None else _object(_text(str(path)))
        try:
            uri = service_url("token_uri", key.get("token_uri", "https://oauth2.googleapis.com/token"))
            signer = crypt.RSASigner.from_service_account_info(key)  # type: ignore[no-untyped-call]
            return cls(key["client_email"], uri, key.get("project_id"), signer)
        except (KeyError, TypeError, ValueError):
            pass  # raised from here, the error might show a part of the key
        raise ValueError("the Google key is none of a service account; create one in JSON")

    def claim(self, scopes: str, *, issued: int) -> str:
        """What Google exchanges for an access token: signed, good for `CLAIM_S` from `issued` (Unix time)."""
        payload = {
            "iss": self.email,
            "scope": " ".join(filter(None, (scope.strip() for scope in scopes.split(",")))),
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued + CLAIM_S,
        }
        signed: bytes = jwt.encode(self.signer, payload)  # type: ignore[no-untyped-call]
        return signed.decode()


@attrs.frozen
class GoogleTokens:
    """Gets access tokens for a service account; `http_tokens.Tokens` keeps them."""

    calls: HttpCalls
    account: ServiceAccount
    scopes: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        """Exchange a fresh claim for a token; these tokens cannot be renewed.

        Raises:
            SecretsDenied: Google refuses the key.
            SecretsError: it could not be asked.
        """
        claim = self.account.claim(self.scopes, issued=int(time.time()))
        form = {"grant_type": GRANT_TYPE, "assertion": claim}
        return await exchange(self.calls, self.account.token_uri, form, issuer="Google", key=key)


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"gcp_key_path cannot be read ({type(error).__name__}); check {path}") from None


def _object(fields: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if isinstance(fields, str):
        try:
            fields = json.loads(fields)
        except ValueError:
            fields = {}
    return fields if isinstance(fields, Mapping) else {}
