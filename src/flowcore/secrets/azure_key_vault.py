"""Connections and variables in Azure Key Vault, read as an application with a client secret.

The options are called as those of Airflow's `AzureKeyVaultBackend`, so its `backend_kwargs` can be kept.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

import attrs

from flowcore.secrets.http import HttpCalls
from flowcore.secrets.http_oauth import exchange, get
from flowcore.secrets.http_options import service_url
from flowcore.secrets.http_tokens import Token, Tokens

API_VERSION = "7.4"
#: The names of vaults in each of Azure's clouds end so, and tokens are for all vaults of one cloud.
_CLOUDS = ("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net", "vault.microsoftazure.de")


@attrs.frozen
class Application:
    """An application of Entra ID: gets tokens with the client credentials flow."""

    calls: HttpCalls
    token_url: str
    client_id: str
    client_secret: str = attrs.field(repr=False)
    scope: str

    async def fetch(self, key: str, expiring: Token | None) -> Token:
        """Get a token; these cannot be renewed.

        Raises:
            SecretsDenied: Entra ID refuses the client secret.
            SecretsError: it could not be asked.
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": self.scope,
        }
        return await exchange(self.calls, self.token_url, form, issuer="Entra ID", key=key)


class AzureKeyVaultBackend:
    """Looks secrets up as `<prefix><sep><key>`, where underscores are written as `sep`.

    Args:
        vault_url: As https://<name>.vault.azure.net.
        connections_prefix: None to look no connection up here, empty for none and no `sep`.
        variables_prefix: The same for variables.
        sep: Between the prefix and the key.
        tenant_id, client_id, client_secret: Else AZURE_TENANT_ID, … of the environment.
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
        authority: str = "",
        config_prefix: str | None = None,
    ) -> None:
        self._connections_prefix, self._variables_prefix, self._sep = (
            connections_prefix,
            variables_prefix,
            sep,
        )
        self._url = service_url("vault_url", vault_url)
        authority = authority or os.environ.get("AZURE_AUTHORITY_HOST", "login.microsoftonline.com")
        if "://" not in authority:
            authority = f"https://{authority}"
        tenant = quote(_given("tenant_id", tenant_id), safe="")
        self._calls = HttpCalls(self.name)
        application = Application(
            self._calls,
            f"{service_url('authority', authority)}/{tenant}/oauth2/v2.0/token",
            _given("client_id", client_id),
            _given("client_secret", client_secret),
            _scope(self._url),
        )
        self._tokens = Tokens(application.fetch)

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


def _given(option: str, value: str) -> str:
    variable = f"AZURE_{option.upper()}"
    value = value or os.environ.get(variable, "")
    if not value:
        raise ValueError(f"{option} is missing; give it, or set {variable}")
    return value


def _scope(vault_url: str) -> str:
    host = urlsplit(vault_url).hostname or ""
    cloud = next((cloud for cloud in _CLOUDS if host.endswith("." + cloud)), _CLOUDS[0])
    return f"https://{cloud}/.default"
