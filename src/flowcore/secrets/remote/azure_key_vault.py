"""Connections and variables in Azure Key Vault; `azure_logins.py` has the ways to log in.

The options are called as those of Airflow's `AzureKeyVaultBackend`, so its `backend_kwargs` can be kept.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flowcore.secrets.remote.azure_logins import choose_login
from flowcore.secrets.remote.http import HttpCalls
from flowcore.secrets.remote.http_oauth import get
from flowcore.secrets.remote.http_options import service_url
from flowcore.secrets.remote.http_tokens import Tokens

API_VERSION = "7.4"
#: The names of vaults in each of Azure's clouds end so, and tokens are for all vaults of one cloud.
_CLOUDS = ("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "vault.microsoftazure.de")


class AzureKeyVaultBackend:
    """Looks secrets up as `<prefix><sep><key>`, where underscores are written as `sep`.

    Args:
        vault_url: As https://<name>.vault.azure.net.
        connections_prefix: None to look no connection up here, empty for none and no `sep`.
        variables_prefix: The same for variables.
        sep: Between the prefix and the key.
        tenant_id, client_id, client_secret: Else AZURE_TENANT_ID, … of the environment. In a pod with
            AZURE_FEDERATED_TOKEN_FILE no secret is needed, and on a machine with a managed identity
            none of the three.
        managed_identity_client_id: Which identity to use, if the machine has several.
        authority: Where tokens come from; else AZURE_AUTHORITY_HOST, else Azure's public cloud.
        config_prefix: Taken because teams have it; flowcore's settings are not looked up.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    name = "azure-key-vault"

    def __init__(
        self,
        *,
        vault_url: str = "",
        connections_prefix: str | None = "airflow-connections",
        variables_prefix: str | None = "airflow-variables",
        sep: str = "-",
        tenant_id: str = "",
        client_id: str = "",
        client_secret: str = "",
        managed_identity_client_id: str = "",
        authority: str = "",
        config_prefix: str | None = None,
    ) -> None:
        self._connections_prefix, self._variables_prefix, self._sep = (
            connections_prefix,
            variables_prefix,
            sep,
        )
        self._url = service_url("vault_url", vault_url)
        self._calls = HttpCalls(self.name)
        login = choose_login(
            self._calls,
            tenant_id=tenant_id,
            client_id=client_id,
            client_secret=client_secret,
            managed_identity_client_id=managed_identity_client_id,
            authority=authority,
            scope=_scope(self._url),
        )
        self._tokens = Tokens(login.fetch)

    async def get_connection(self, conn_id: str) -> str | None:
        """The secret's value."""
        return await self._secret(self._connections_prefix, conn_id)

    async def get_variable(self, key: str) -> str | None:
        """The secret's value."""
        return await self._secret(self._variables_prefix, key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._calls.aclose()

    async def _secret(self, prefix: str | None, key: str) -> str | None:
        if prefix is None:
            return None
        full = f"{prefix.rstrip(self._sep)}{self._sep}{key}" if prefix else key
        name = full.replace("_", self._sep)
        if not re.fullmatch(r"[a-zA-Z0-9-]{1,127}", name):
            return None  # no secret can have such a name
        url = f"{self._url}/secrets/{name}?api-version={API_VERSION}"
        answer = await get(self._calls, url, self._tokens, key=key)
        if answer.status == 404:
            return None
        value = self._calls.document(answer, key).get("value")
        if not isinstance(value, str):
            raise self._calls.garbled(key, "the answer holds no secret; check vault_url")
        return value


def _scope(vault_url: str) -> str:
    host = urlsplit(vault_url).hostname or ""
    cloud = next((cloud for cloud in _CLOUDS if host.endswith("." + cloud)), _CLOUDS[0])
    return f"https://{cloud}/.default"
