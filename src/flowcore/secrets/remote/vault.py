"""Connections and variables in HashiCorp Vault or OpenBao, in a KV engine of version 1 or 2.

The options are called as those of Airflow's `VaultBackend`, so its `backend_kwargs` can be kept.
"""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import quote

from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_options import service_url
from flowcore.secrets.remote.http_tokens import Tokens
from flowcore.secrets.remote.vault_logins import Login
from flowcore.secrets.remote.vault_tokens import VaultApi, VaultTokens


class VaultBackend:
    """Looks secrets up at `<mount_point>/<connections_path or variables_path>/<key>`.

    Args:
        url: Where Vault is; else VAULT_ADDR of the environment.
        connections_path: None to look no connection up here; an empty one for the root of the engine.
        variables_path: The same for variables.
        mount_point: Where the KV engine is mounted; None when each key begins with that.
        kv_engine_version: 1 or 2.
        namespace: Of Vault Enterprise or OpenBao; else VAULT_NAMESPACE of the environment.
        verify: False not to check certificates, or a file of authorities; else VAULT_CACERT.
        config_path: Taken because teams have it; flowcore's settings are not looked up.
        login: The fields of `vault_logins.Login`.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    name = "vault"

    def __init__(
        self,
        *,
        url: str | None = None,
        connections_path: str | None = "connections",
        variables_path: str | None = "variables",
        mount_point: str | None = "secret",
        kv_engine_version: int = 2,
        namespace: str | None = None,
        verify: bool | str | None = None,
        config_path: str | None = None,
        **login: Any,
    ) -> None:
        if kv_engine_version not in (1, 2):
            raise ValueError("kv_engine_version must be 1 or 2")
        self._connections_path, self._variables_path = connections_path, variables_path
        self._mount_point, self._kv = mount_point, kv_engine_version
        proof = Login(**login)
        url = service_url("url", url or os.environ.get("VAULT_ADDR", ""))
        if verify is None:
            verify = os.environ.get("VAULT_CACERT") or True
        calls = HttpCalls(self.name, verify=verify)
        self._api = VaultApi(calls, url, namespace or os.environ.get("VAULT_NAMESPACE"))
        self._vault_tokens = VaultTokens(self._api, proof)
        self._tokens = Tokens(self._vault_tokens.fetch)

    async def get_connection(self, conn_id: str) -> str | None:
        """The secret's field `conn_uri`, or else all its fields as a connection in JSON."""
        secret = await self._secret(self._connections_path, conn_id)
        if secret is None:
            return None
        return _text(secret.get("conn_uri") or secret)

    async def get_variable(self, key: str) -> str | None:
        """The secret's field `value`."""
        secret = await self._secret(self._variables_path, key)
        if secret is None:
            return None
        if secret.get("value") is None:
            raise self._api.calls.garbled(key, 'the secret has no field "value"; add it in Vault')
        return _text(secret["value"])

    async def aclose(self) -> None:
        """Close the connections. The token is left to expire: a restart may come with the same one."""
        await self._api.calls.aclose()

    async def _secret(self, base: str | None, key: str) -> dict[str, Any] | None:
        path = None if base is None else self._path(base, key)
        if path is None:
            return None
        token = await self._tokens.current(key)
        answer = await self._api.get(path, token, key)
        # Vault says 403 also to a token that may not read this: logging in again would not help it.
        if answer.status == 403 and await self._vault_tokens.is_dead(token, key):
            token = await self._tokens.instead_of(token, key)
            answer = await self._api.get(path, token, key)
        if answer.status == 404:
            return None
        return self._fields(self._api.calls.document(answer, key), key)

    def _path(self, base: str, key: str) -> str | None:
        mount, key = (self._mount_point, key) if self._mount_point else _split(key)
        engine = [*mount.strip("/").split("/"), *(["data"] if self._kv == 2 else [])]
        segments = [*engine, *filter(None, base.strip("/").split("/")), *key.split("/")]
        # Vault resolves these, so they would lead out of the engine; no secret has such a name.
        if not {"", ".", ".."}.isdisjoint(segments):
            return None
        return "/".join(quote(segment, safe="") for segment in segments)

    def _fields(self, document: dict[str, Any], key: str) -> dict[str, Any]:
        data = document.get("data")
        if self._kv == 2 and isinstance(data, dict):
            data = data.get("data")
        if not isinstance(data, dict):
            raise self._api.calls.garbled(key, "the answer holds no secret; check kv_engine_version")
        return data


def _split(key: str) -> tuple[str, str]:
    mount, _, rest = key.partition("/")
    return mount, rest


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
