"""The backends that flowcore brings, by name, and how the one that the settings name is made.

A module is imported when its backend is asked for, so the libraries that it needs may be extras.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from flowcore.abc import SecretsBackend
from flowcore.errors import SettingsError
from flowcore.secrets.adapter import ThreadedBackend, is_synchronous


@attrs.frozen
class Source:
    """Where the class of a backend is, as `module:Class`, and the extra that installs what it needs."""

    path: str
    extra: str = ""


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


def make_backend(name: str, kwargs: str) -> SecretsBackend:
    """Make the backend that is called `name`, or whose class is at that dotted path, from JSON `kwargs`.

    Raises:
        SettingsError: there is no such backend, an extra is missing, or it does not take the arguments.
    """
    source = BACKENDS.get(name) or Source(":".join(name.rsplit(".", 1)))
    cls = _load(name, source)
    try:
        backend = cls(**_arguments(kwargs))
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"secrets backend {name!r} refuses its arguments: {error}; mend secrets_backend_kwargs"
        ) from None
    if is_synchronous(backend):
        return ThreadedBackend(backend, name.rpartition(".")[2])
    found: SecretsBackend = backend
    return found


def _load(name: str, source: Source) -> Any:
    module, _, attribute = source.path.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        remedy = f"run `pip install 'flowcore[{source.extra}]'`" if source.extra else _known()
        raise SettingsError(f"secrets backend {name!r} cannot be imported ({error}); {remedy}") from error
    except (AttributeError, ValueError) as error:
        raise SettingsError(f"there is no secrets backend {name!r}; {_known()}") from error


def _arguments(kwargs: str) -> dict[str, Any]:
    try:
        arguments = json.loads(kwargs or "{}")
    except ValueError:
        # The text may hold a token, so neither it nor where it is malformed is shown.
        arguments = None
    if not isinstance(arguments, dict):
        raise SettingsError('secrets_backend_kwargs is no JSON object; write it like {"url": "https://…"}')
    return arguments


def _known() -> str:
    return f"name one of {', '.join(sorted(BACKENDS))}, or a class as package.module.Class"
