"""A stand-in for Google's token endpoint and Secret Manager, which checks the signatures of claims."""

from __future__ import annotations

import base64
import functools
from typing import Any

import attrs
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from google.auth import jwt

from tests.support.planted_secrets import plant
from tests.support.secret_servers import Reply, Request

EMAIL = "flowcore@project-a.iam.gserviceaccount.com"
GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@functools.cache
def private_key() -> RSAPrivateKey:
    """The account's key; made once, as that takes a while."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def key_file(token_uri: str, key: RSAPrivateKey | None = None) -> dict[str, Any]:
    """What Google would give an operator as the key of the service account; `key` in place of its own."""
    pem = (key or private_key()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "project-a",
        "private_key_id": "key-1",
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": token_uri,
    }


@attrs.define
class FakeGoogle:
    """Its secrets by id, all in project-a."""

    secrets: dict[str, bytes] = attrs.field(factory=dict)
    tokens: set[str] = attrs.field(factory=set)
    forbidden: set[str] = attrs.field(factory=set)
    lifetime_s: int = 3600
    logins: int = 0
    requests: list[Request] = attrs.field(factory=list)

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.path == "/token" and request.method == "POST":
            return self._token(request)
        if request.path == "/computeMetadata/v1/instance/service-accounts/default/token":
            return self._machine_token(request)
        if request.bearer not in self.tokens:
            return _error(401, "UNAUTHENTICATED")
        return self._access(request.path)

    def _token(self, request: Request) -> Reply:
        form = request.form
        try:
            claim = _verified(form["assertion"])
        except ValueError:
            return Reply(400, {"error": "invalid_grant"})
        audience = f"http://{request.headers['host']}/token"
        as_documented = {"iss": EMAIL, "scope": SCOPE, "aud": audience}
        if form["grant_type"] != GRANT_TYPE or as_documented.items() - claim.items():
            return Reply(400, {"error": "invalid_request"})
        return self._new_token()

    def _machine_token(self, request: Request) -> Reply:
        if request.headers.get("metadata-flavor") != "Google" or request.query != {"scopes": SCOPE}:
            return _error(403, "FORBIDDEN")
        return self._new_token()

    def _new_token(self) -> Reply:
        self.logins += 1
        self.tokens.add(token := f"ya29.{plant()}")
        return Reply(200, {"access_token": token, "expires_in": self.lifetime_s, "token_type": "Bearer"})

    def _access(self, path: str) -> Reply:
        start, end = "/v1/projects/project-a/secrets/", "/versions/latest:access"
        if not (path.startswith(start) and path.endswith(end)):
            return _error(400, "INVALID_ARGUMENT")
        secret_id = path.removeprefix(start).removesuffix(end)
        if secret_id in self.forbidden:
            return _error(403, "PERMISSION_DENIED")
        if secret_id not in self.secrets:
            return _error(404, "NOT_FOUND")
        return Reply(200, {"payload": {"data": base64.b64encode(self.secrets[secret_id]).decode()}})


def _verified(assertion: str) -> dict[str, Any]:
    public = private_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claim: dict[str, Any] = dict(jwt.decode(assertion, certs=pem))  # type: ignore[no-untyped-call]
    return claim


def _error(status: int, name: str) -> Reply:
    return Reply(status, {"error": {"code": status, "status": name, "message": "planted"}})
