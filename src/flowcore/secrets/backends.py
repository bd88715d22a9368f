"""The backends that flowcore brings, by name, and how the one that the settings name is made."""

from __future__ import annotations

from collections.abc import Mapping

from flowcore.abc import SecretsBackend
from flowcore.secrets.adapter import ThreadedBackend, is_synchronous
from flowcore.settings.classes import Source, load_class, make_from

BACKENDS: Mapping[str, Source] = {
    "environment": Source("flowcore.secrets.environment:EnvironmentBackend"),
    "files": Source("flowcore.secrets.files:FilesBackend"),
    "vault": Source("flowcore.secrets.vault:VaultBackend", "http"),
    "aws-secrets-manager": Source("flowcore.secrets.aws_secrets_manager:SecretsManagerBackend", "aws"),
    "aws-parameter-store": Source("flowcore.secrets.aws_parameter_store:ParameterStoreBackend", "aws"),
    "google-secret-manager": Source(
        "flowcore.secrets.google_secret_manager:GoogleSecretManagerBackend", "google"
    ),
    "azure-key-vault": Source("flowcore.secrets.azure_key_vault:AzureKeyVaultBackend", "http"),
}

_KIND = "secrets backend"


def make_backend(name: str, kwargs: str) -> SecretsBackend:
    """Make the backend that is called `name`, or whose class is at that dotted path, from JSON `kwargs`.

    Raises:
        SettingsError: there is no such backend, an extra is missing, or it does not take the arguments.
    """
    cls = load_class(_KIND, name, BACKENDS)
    backend = make_from(cls, _KIND, name, option="secrets_backend_kwargs", kwargs=kwargs)
    if is_synchronous(backend):
        return ThreadedBackend(backend, name.rpartition(".")[2])
    found: SecretsBackend = backend
    return found
