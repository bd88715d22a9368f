"""How a program proves to Azure who it is: a client secret, a pod's own token, or the machine it runs on."""

from __future__ import annotations

import os
from typing import Protocol
from urllib.parse import quote, urlencode

import anyio
import attrs

from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_oauth import ask_machine, exchange
from flowcore.secrets.remote.http_options import service_url
from flowcore.secrets.remote.http_tokens import Token

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Login(Protocol):
    """One of the ways below; `http_tokens.Tokens` keeps what it fetches."""

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        """Get a token; these cannot be renewed.

        Raises:
            SecretsDenied: Azure refuses what is claimed.
            SecretsError: it could not be asked.
        """
        ...


def choose_login(
    calls: HttpCalls,
    *,
    tenant_id: str,
    client_id: str,
    client_secret: str,
    managed_identity_client_id: str,
    authority: str,
    scope: str,
) -> Login:
    """Take the way that the options allow, or else the variables that Azure's own tools look at.

    Raises:
        ValueError: an option cannot be used, or is missing beside others; the message names it.
    """
    tenant_id, client_id = _given("tenant_id", tenant_id), _given("client_id", client_id)
    client_secret = _given("client_secret", client_secret)
    if managed_identity_client_id or not (tenant_id or client_id or client_secret):
        return ManagedIdentity(calls, managed_identity_client_id, scope)
    token_path = os.environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
    _require(tenant_id=tenant_id, client_id=client_id, client_secret=client_secret or token_path)
    authority = authority or os.environ.get("AZURE_AUTHORITY_HOST", "login.microsoftonline.com")
    authority = service_url("authority", authority if "://" in authority else f"https://{authority}")
    url = f"{authority}/{quote(tenant_id, safe='')}/oauth2/v2.0/token"
    if client_secret:
        return Application(calls, url, client_id, client_secret, scope)
    return WorkloadIdentity(calls, url, client_id, token_path, scope)


@attrs.frozen
class Application:
    """An application of Entra ID with a secret."""

    calls: HttpCalls
    token_url: str
    client_id: str
    client_secret: str = attrs.field(repr=False)
    scope: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        proof = {"client_secret": self.client_secret}
        return await _log_in(self.calls, self.token_url, self.client_id, self.scope, proof, key)


@attrs.frozen
class WorkloadIdentity:
    """A pod whose service account Entra ID trusts; Kubernetes puts a token of it into a file."""

    calls: HttpCalls
    token_url: str
    client_id: str
    token_path: str
    scope: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        try:
            # Kubernetes replaces the file every hour, so it is read for every login.
            text = await anyio.Path(self.token_path).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            text = None
        if text is None:
            raise self.calls.denied(key, "the file that AZURE_FEDERATED_TOKEN_FILE names cannot be read")
        proof = {"client_assertion_type": _ASSERTION, "client_assertion": text.strip()}
        return await _log_in(self.calls, self.token_url, self.client_id, self.scope, proof, key)


@attrs.frozen
class ManagedIdentity:
    """A machine to which Azure itself gives tokens; `client_id` tells which, if it has several."""

    calls: HttpCalls
    client_id: str
    scope: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        asked = {"api-version": "2018-02-01", "resource": self.scope.removesuffix("/.default")}
        if self.client_id:
            asked["client_id"] = self.client_id
        host = os.environ.get("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.169.254")
        url = f"{host}/metadata/identity/oauth2/token?{urlencode(asked)}"
        issuer = "Azure's metadata service"
        return await ask_machine(self.calls, url, {"Metadata": "true"}, issuer=issuer, key=key)


async def _log_in(
    calls: HttpCalls, url: str, client_id: str, scope: str, proof: dict[str, str], key: str
) -> Token:
    form = {"grant_type": "client_credentials", "client_id": client_id, **proof, "scope": scope}
    return await exchange(calls, url, form, issuer="Entra ID", key=key)


def _given(option: str, value: str) -> str:
    return value or os.environ.get(f"AZURE_{option.upper()}", "")


def _require(**options: str) -> None:
    for option, value in options.items():
        if not value:
            raise ValueError(f"{option} is missing; give it, or set AZURE_{option.upper()}")
