"""The backends that flowcore brings, by name, and how the one that the settings name is made."""

from __future__ import annotations

from collections.abc import Mapping

from flowcore.abc import SecretsBackend
from flowcore.errors import SettingsError
from flowcore.named_classes import Source, load_class, make_from
from flowcore.secrets.adapter import ThreadedBackend, is_synchronous, keeps_something

BACKENDS: Mapping[str, Source] = {
    "environment": Source("flowcore.secrets.environment:EnvironmentBackend"),
    "files": Source("flowcore.secrets.files:FilesBackend"),
    "vault": Source("flowcore.secrets.remote.vault:VaultBackend", "http"),
    "aws-secrets-manager": Source("flowcore.secrets.remote.aws_secrets_manager:SecretsManagerBackend", "aws"),
    "aws-parameter-store": Source("flowcore.secrets.remote.aws_parameter_store:ParameterStoreBackend", "aws"),
    "google-secret-manager": Source(
        "flowcore.secrets.remote.google_secret_manager:GoogleSecretManagerBackend", "google"
    ),
    "azure-key-vault": Source("flowcore.secrets.remote.azure_key_vault:AzureKeyVaultBackend", "http"),
}

_PROVIDERS = "airflow.providers."
_AMAZON = f"{_PROVIDERS}amazon.aws"
#: What Airflow calls those of them that it has too; they take the same arguments.
_AIRFLOW: Mapping[str, str] = {
    "airflow.secrets.environment_variables.EnvironmentVariablesBackend": "environment",
    "airflow.secrets.local_filesystem.LocalFilesystemBackend": "files",
    f"{_PROVIDERS}hashicorp.secrets.vault.VaultBackend": "vault",
    f"{_AMAZON}.secrets.secrets_manager.SecretsManagerBackend": "aws-secrets-manager",
    f"{_AMAZON}.secrets.systems_manager.SystemsManagerParameterStoreBackend": "aws-parameter-store",
    f"{_PROVIDERS}google.cloud.secrets.secret_manager.CloudSecretManagerBackend": "google-secret-manager",
    f"{_PROVIDERS}microsoft.azure.secrets.key_vault.AzureKeyVaultBackend": "azure-key-vault",
}

_KIND = "secrets backend"
_GROUP = "flowcore.secrets_backends"


def make_backend(name: str, kwargs: str) -> SecretsBackend:
    """Make the backend that is called `name`, or whose class is at that dotted path, from JSON `kwargs`.

    Classes of Airflow that are among the known backends are not needed for that.

    Raises:
        SettingsError: there is no such backend, an extra is missing, or it does not take the arguments.
    """
    name = _AIRFLOW.get(name, name)
    cls = load_class(_KIND, name, BACKENDS, group=_GROUP)
    backend = make_from(cls, _KIND, name, option="secrets_backend_kwargs", kwargs=kwargs)
    if is_synchronous(backend):
        if not keeps_something(backend):
            raise SettingsError(
                f"{name!r} is no secrets backend: it has neither get_conn_value nor get_variable;"
                " name a class that implements flowcore.abc.SecretsBackend"
            )
        return ThreadedBackend(backend, name.rpartition(".")[2])
    found: SecretsBackend = backend
    return found
