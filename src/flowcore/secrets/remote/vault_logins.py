"""How a program proves to Vault who it is: a token, an AppRole, or a pod's service account.

Only what is sent; `vault_tokens.py` sends it and looks after the token that comes back.
"""

from __future__ import annotations

import os

import anyio
import attrs

#: Where Kubernetes puts the token of a pod's service account.
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
AUTH_TYPES = ("token", "approle", "kubernetes")


@attrs.frozen(kw_only=True)
class Login:
    """The options of all ways to log in, called as Airflow's backend calls them.

    Raises:
        ValueError: an option that the `auth_type` needs is missing.
    """

    auth_type: str = "token"
    auth_mount_point: str | None = None
    """Where the auth method is mounted, unless under its own name."""
    token: str | None = attrs.field(default=None, repr=False)
    """Else VAULT_TOKEN of the environment."""
    token_path: str | None = None
    """A file that holds the token, as Vault's agent writes it; read again when the token is refused."""
    role_id: str | None = attrs.field(default=None, repr=False)
    secret_id: str | None = attrs.field(default=None, repr=False)
    """None for an AppRole that needs none."""
    kubernetes_role: str | None = None
    kubernetes_jwt_path: str = SERVICE_ACCOUNT

    def __attrs_post_init__(self) -> None:
        if self.auth_type not in AUTH_TYPES:
            raise ValueError(f"auth_type must be one of {', '.join(AUTH_TYPES)}")
        if self.auth_type == "approle" and not self.role_id:
            raise ValueError("auth_type approle needs role_id")
        if self.auth_type == "kubernetes" and not self.kubernetes_role:
            raise ValueError("auth_type kubernetes needs kubernetes_role")
        if self.auth_type == "token" and not (self.token or self.token_path or "VAULT_TOKEN" in os.environ):
            raise ValueError("auth_type token needs token or token_path, or VAULT_TOKEN in the environment")

    @property
    def path(self) -> str:
        """Where to log in."""
        return f"auth/{(self.auth_mount_point or self.auth_type).strip('/')}/login"

    async def body(self) -> dict[str, str]:
        """What to send there.

        Raises:
            OSError: the token of the service account cannot be read.
        """
        if self.auth_type == "kubernetes":
            # Kubernetes replaces the file every hour, so it is read for every login.
            jwt = await anyio.Path(self.kubernetes_jwt_path).read_text("utf-8")
            return {"role": str(self.kubernetes_role), "jwt": jwt.strip()}
        given = {"role_id": self.role_id, "secret_id": self.secret_id}
        return {name: value for name, value in given.items() if value is not None}

    async def given_token(self) -> str:
        """The token itself, where that is what was given.

        Raises:
            OSError: its file cannot be read.
        """
        if self.token_path and not self.token:
            return (await anyio.Path(self.token_path).read_text("utf-8")).strip()
        return self.token or os.environ["VAULT_TOKEN"]
