"""Which names belong to values that must not be shown, as Airflow decides it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_SENSITIVE = (
    "access_token",
    "api_key",
    "apikey",
    "authorization",
    "keyfile_dict",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "service_account",
    "token",
)


def is_sensitive(name: str) -> bool:
    """Whether a value called `name` is a secret."""
    lowered = name.lower().replace("-", "_")
    return any(word in lowered for word in _SENSITIVE)


def variable_secrets(key: str, value: str) -> Iterator[str]:
    """Whatever in a variable must not be shown: all of it, or the values in its JSON, by their names."""
    if is_sensitive(key):
        yield value
    if value.lstrip().startswith(("{", "[")):
        try:
            yield from sensitive_values(json.loads(value), inherited=is_sensitive(key))
        except (ValueError, RecursionError):
            return  # no JSON: a text with a brace in front


def sensitive_values(value: Any, *, inherited: bool = False) -> Iterator[str]:
    """The texts inside a JSON value that stand under a sensitive name, however deep.

    `inherited` says that the value itself stands under one.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from sensitive_values(inner, inherited=inherited or is_sensitive(str(name)))
    elif isinstance(value, list):
        for inner in value:
            yield from sensitive_values(inner, inherited=inherited)
    elif inherited and isinstance(value, str):
        yield value
    elif inherited and isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
