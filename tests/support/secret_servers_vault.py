"""A stand-in for Vault: its HTTP API for KV secrets, tokens, AppRole and Kubernetes logins, as documented."""

from __future__ import annotations

from typing import Any

import attrs

from tests.support.planted_secrets import plant
from tests.support.secret_servers import Reply, Request

DENIED = Reply(403, {"errors": ["permission denied"]})
MISSING = Reply(404, {"errors": []})
ROLE_ID, SECRET_ID, JWT = "role-of-flowcore", plant(), "jwt-of-a-pod"


@attrs.define
class FakeToken:
    ttl: int = 0
    renewable: bool = False
    namespace: str = ""
    renewals: int = 0


@attrs.define
class FakeVault:
    """Its secrets by path, as `secret/data/connections/x` in a KV engine of version 2."""

    secrets: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    tokens: dict[str, FakeToken] = attrs.field(factory=dict)
    forbidden: set[str] = attrs.field(factory=set)
    lease_s: int = 3600
    renewed_s: int = 3600
    logins: int = 0
    requests: list[Request] = attrs.field(factory=list)

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.headers.get("x-vault-request") != "true":
            return Reply(412, {"errors": ["missing required header"]})
        path = request.path.removeprefix("/v1/")
        if request.method == "POST" and path.endswith("/login"):
            return self._login(path, request.json())
        token = self.tokens.get(request.headers.get("x-vault-token", ""))
        if token is None or token.namespace != request.headers.get("x-vault-namespace", ""):
            return DENIED
        if path == "auth/token/lookup-self":
            return Reply(200, {"data": {"ttl": token.ttl, "renewable": token.renewable}})
        if path == "auth/token/renew-self":
            return self._renew(request.headers["x-vault-token"], token)
        return self._read(path)

    def _login(self, path: str, body: dict[str, Any]) -> Reply:
        good = {
            "auth/approle/login": {"role_id": ROLE_ID, "secret_id": SECRET_ID},
            "auth/teams/approle/login": {"role_id": ROLE_ID, "secret_id": SECRET_ID},
            "auth/kubernetes/login": {"role": "flowcore", "jwt": JWT},
        }
        if path not in good:
            return DENIED
        if body != good[path]:
            return Reply(400, {"errors": ["invalid role or secret ID"]})
        self.logins += 1
        text = f"hvs.{plant()}"
        self.tokens[text] = FakeToken(self.lease_s, renewable=True)
        return self._auth(text, self.tokens[text])

    def _renew(self, text: str, token: FakeToken) -> Reply:
        if not token.renewable:
            return Reply(400, {"errors": ["lease is not renewable"]})
        token.renewals += 1
        token.ttl = min(token.ttl, self.renewed_s)
        return self._auth(text, token)

    def _auth(self, text: str, token: FakeToken) -> Reply:
        auth = {"client_token": text, "lease_duration": token.ttl, "renewable": token.renewable}
        return Reply(200, {"auth": auth, "data": None})

    def _read(self, path: str) -> Reply:
        if path in self.forbidden:
            return DENIED
        if path not in self.secrets:
            return MISSING
        fields = self.secrets[path]
        in_version_2 = "data" in path.split("/")
        return Reply(200, {"data": {"data": fields, "metadata": {"version": 1}} if in_version_2 else fields})
