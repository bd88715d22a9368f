"""Connections and variables in Google Cloud's Secret Manager: the latest version of each secret.

The options are called as those of Airflow's `CloudSecretManagerBackend`, so its `backend_kwargs` can
be kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from flowcore.secrets.remote.google_machine import MachineTokens
from flowcore.secrets.remote.google_tokens import GoogleTokens, ServiceAccount
from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_oauth import get
from flowcore.secrets.remote.http_options import service_url
from flowcore.secrets.remote.http_tokens import Tokens

_SECRET_ID = re.compile(r"[\w-]{1,255}", re.ASCII)


class GoogleSecretManagerBackend:
    """Looks secrets up as `<prefix><sep><key>`.

    Args:
        connections_prefix: None to look no connection up here.
        variables_prefix: The same for variables.
        sep: Between the prefix and the key.
        gcp_key_path: The key file of a service account; else GOOGLE_APPLICATION_CREDENTIALS, else the account
            that the machine or the pod runs as, of which its metadata server tells.
        gcp_keyfile_dict: What is in such a file, as an object or as text.
        gcp_scopes: Separated by commas.
        project_id: Else the project of the key; needed where there is none.
        api_endpoint: Where the service is; regional secrets have endpoints of their own.
        config_prefix: Taken because teams have it; flowcore's settings are not looked up.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    name = "google-secret-manager"

    def __init__(
        self,
        *,
        connections_prefix: str | None = "airflow-connections",
        variables_prefix: str | None = "airflow-variables",
        sep: str = "-",
        gcp_key_path: str | None = None,
        gcp_keyfile_dict: Mapping[str, Any] | str | None = None,
        gcp_scopes: str | None = None,
        project_id: str | None = None,
        api_endpoint: str = "https://secretmanager.googleapis.com",
        config_prefix: str | None = None,
    ) -> None:
        for prefix in filter(None, (connections_prefix, variables_prefix)):
            if not _SECRET_ID.fullmatch(prefix + sep):
                raise ValueError("prefixes and sep may hold letters, digits, - and _ only")
        account = ServiceAccount.from_options(gcp_key_path, gcp_keyfile_dict)
        project = project_id or (account.project_id if account else None) or ""
        if not re.fullmatch(r"[a-z0-9:.-]+", project):
            raise ValueError("project_id is missing or no project's id")
        self._connections_prefix, self._variables_prefix, self._sep = (
            connections_prefix,
            variables_prefix,
            sep,
        )
        self._secrets_url = f"{service_url('api_endpoint', api_endpoint)}/v1/projects/{project}/secrets"
        self._calls = HttpCalls(self.name)
        scopes = gcp_scopes or "https://www.googleapis.com/auth/cloud-platform"
        source = GoogleTokens(self._calls, account, scopes) if account else MachineTokens(self._calls, scopes)
        self._tokens = Tokens(source.fetch)

    async def get_connection(self, conn_id: str) -> str | None:
        """The secret's text."""
        return await self._secret(self._connections_prefix, conn_id)

    async def get_variable(self, key: str) -> str | None:
        """The secret's text."""
        return await self._secret(self._variables_prefix, key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._calls.aclose()

    async def _secret(self, prefix: str | None, key: str) -> str | None:
        secret_id = f"{prefix}{self._sep}{key}"
        if prefix is None or not _SECRET_ID.fullmatch(secret_id):
            return None  # no secret can have another name
        url = f"{self._secrets_url}/{secret_id}/versions/latest:access"
        answer = await get(self._calls, url, self._tokens, key=key)
        if answer.status == 404:
            return None
        return self._payload(self._calls.document(answer, key), key)

    def _payload(self, document: Mapping[str, Any], key: str) -> str:
        payload = document.get("payload")
        text = _decoded(payload.get("data", "")) if isinstance(payload, Mapping) else None
        if text is None:
            raise self._calls.garbled(key, "the secret is no UTF-8 text; store it as text")
        return text


def _decoded(data: object) -> str | None:
    try:
        return base64.b64decode(str(data), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None  # raised from here, the latter would carry the secret along
