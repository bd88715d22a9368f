"""A stand-in for Entra ID and a Key Vault, as documented: client credentials flow and Get Secret."""

from __future__ import annotations

import attrs

from tests.support.planted_secrets import plant
from tests.support.secret_servers import Reply, Request

TENANT, CLIENT_ID, CLIENT_SECRET = "tenant-a", "client-a", plant()
FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "scope": "https://vault.azure.net/.default",
}
#: What a pod says in place of the client secret.
POD_TOKEN = "token-of-a-pod"
POD_FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    "client_assertion": POD_TOKEN,
    "scope": "https://vault.azure.net/.default",
}
#: What a machine asks for, if it has one identity.
MACHINE = {"api-version": "2018-02-01", "resource": "https://vault.azure.net"}


@attrs.define
class FakeAzure:
    """The secrets of one vault by name."""

    secrets: dict[str, str] = attrs.field(factory=dict)
    tokens: set[str] = attrs.field(factory=set)
    forbidden: set[str] = attrs.field(factory=set)
    logins: int = 0
    requests: list[Request] = attrs.field(factory=list)

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.path == f"/{TENANT}/oauth2/v2.0/token":
            return self._token(request.form)
        if request.path == "/metadata/identity/oauth2/token":
            return self._machine_token(request)
        if request.bearer not in self.tokens:
            return Reply(401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": "Bearer"})
        if not request.query.get("api-version"):
            return Reply(400, {"error": {"code": "BadParameter"}})
        return self._secret(request.path.removeprefix("/secrets/"))

    def _token(self, form: dict[str, str]) -> Reply:
        if form not in (FORM, POD_FORM):
            return Reply(401, {"error": "invalid_client"})
        return self._new_token(3599)

    def _machine_token(self, request: Request) -> Reply:
        if request.headers.get("metadata") != "true":
            return Reply(400, {"error": "bad_request_102"})
        if request.query not in (MACHINE, {**MACHINE, "client_id": CLIENT_ID}):
            return Reply(400, {"error": "invalid_request", "error_description": "Identity not found"})
        return self._new_token("86399")  # a text, as documented

    def _new_token(self, lifetime: object) -> Reply:
        self.logins += 1
        self.tokens.add(token := plant())
        return Reply(200, {"token_type": "Bearer", "expires_in": lifetime, "access_token": token})

    def _secret(self, name: str) -> Reply:
        if name in self.forbidden:
            return Reply(403, {"error": {"code": "Forbidden"}})
        if name not in self.secrets:
            return Reply(404, {"error": {"code": "SecretNotFound"}})
        return Reply(200, {"value": self.secrets[name], "attributes": {"enabled": True}})
