"""Connections and variables in AWS Secrets Manager.

The options are called as those of Airflow's `SecretsManagerBackend`, so its `backend_kwargs` can be kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from flowcore.secrets.remote.aws_requests import AwsRequests

#: Which fields of a secret become which part of a connection: databases' own secrets use other words.
_WORDS: Mapping[str, Sequence[str]] = {
    "login": ("login", "user", "username", "user_name"),
    "password": ("password", "pass", "key"),
    "host": ("host", "remote_host", "server"),
    "port": ("port",),
    "schema": ("database", "schema"),
    "conn_type": ("conn_type", "conn_id", "connection_type", "engine"),
    "extra": ("extra",),
}
#: A secret that waits for its deletion makes requests invalid until it is gone.
_MISSES = frozenset({"ResourceNotFoundException", "InvalidRequestException"})


class SecretsManagerBackend:
    """Looks secrets up as `<prefix><sep><key>`.

    Args:
        connections_prefix: None to look no connection up here, empty for none and no `sep`.
        variables_prefix: The same for variables.
        sep: Between the prefix and the key.
        extra_conn_words: More words for the parts of a connection that is kept as a JSON object.
        are_secret_values_urlencoded: Whether the values in such an object are percent-encoded.
        config_prefix: Taken because teams have it; flowcore's settings are not looked up.
        service: The options of `aws_requests.AwsRequests`.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    name = "aws-secrets-manager"

    def __init__(
        self,
        *,
        connections_prefix: str | None = "airflow/connections",
        variables_prefix: str | None = "airflow/variables",
        sep: str = "/",
        extra_conn_words: Mapping[str, Sequence[str]] | None = None,
        are_secret_values_urlencoded: bool = False,
        config_prefix: str | None = None,
        **service: Any,
    ) -> None:
        self._connections_prefix, self._variables_prefix = connections_prefix, variables_prefix
        self._sep, self._are_urlencoded = sep, are_secret_values_urlencoded
        self._words = _with_more_words(extra_conn_words or {})
        self._requests = AwsRequests(self.name, "secretsmanager", **service)

    async def get_connection(self, conn_id: str) -> str | None:
        """The secret's text; the fields of a JSON object are renamed to those of a connection."""
        text = await self._secret(self._connections_prefix, conn_id)
        if text is None or not text.lstrip().startswith("{"):
            return text
        fields = _object(text)
        if fields is None:
            raise self._requests.calls.garbled(conn_id, "the secret is no valid JSON; mend it in AWS")
        return json.dumps(self._connection(fields))

    async def get_variable(self, key: str) -> str | None:
        """The secret's text."""
        return await self._secret(self._variables_prefix, key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._requests.calls.aclose()

    async def _secret(self, prefix: str | None, key: str) -> str | None:
        if prefix is None:
            return None
        name = f"{prefix.rstrip(self._sep)}{self._sep}{key}" if prefix else key
        if not re.fullmatch(r"[\w/+=.@:-]{1,2048}", name, re.ASCII):
            return None  # no secret can have such a name: Secrets Manager calls it invalid
        asked = {"SecretId": name}
        answer = await self._requests.call("secretsmanager.GetSecretValue", asked, misses=_MISSES, key=key)
        if answer is None:
            return None
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise self._requests.calls.garbled(key, "the secret is no text; store it as SecretString")
        return text

    def _connection(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        found = {
            part: next((value for name, value in fields.items() if name in words), None)
            for part, words in self._words.items()
        }
        if not self._are_urlencoded:
            return found
        return {part: unquote(value) if isinstance(value, str) else value for part, value in found.items()}


def _with_more_words(more: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    more = {"login" if part == "user" else part: words for part, words in more.items()}
    if unknown := more.keys() - _WORDS.keys():
        raise ValueError(f"extra_conn_words names {sorted(unknown)}; use {', '.join(_WORDS)}")
    return {part: (*words, *more.get(part, ())) for part, words in _WORDS.items()}


def _object(text: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
