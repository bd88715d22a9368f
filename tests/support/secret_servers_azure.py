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
        if request.bearer not in self.tokens:
            return Reply(401, {"error": {"code": "Unauthorized"}}, {"WWW-Authenticate": "Bearer"})
        if not request.query.get("api-version"):
            return Reply(400, {"error": {"code": "BadParameter"}})
        return self._secret(request.path.removeprefix("/secrets/"))

    def _token(self, form: dict[str, str]) -> Reply:
        if form != FORM:
            return Reply(401, {"error": "invalid_client"})
        self.logins += 1
        self.tokens.add(token := plant())
        return Reply(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _secret(self, name: str) -> Reply:
        if name in self.forbidden:
            return Reply(403, {"error": {"code": "Forbidden"}})
        if name not in self.secrets:
            return Reply(404, {"error": {"code": "SecretNotFound"}})
        return Reply(200, {"value": self.secrets[name], "attributes": {"enabled": True}})
