"""Connections and variables in the Parameter Store of AWS Systems Manager (SSM).

The options are called as those of Airflow's `SystemsManagerParameterStoreBackend`, so its
`backend_kwargs` can be kept.
"""

from __future__ import annotations

import re
from typing import Any

from flowcore.secrets.remote.aws_requests import AwsRequests

_MISSES = frozenset({"ParameterNotFound", "ParameterVersionNotFound"})


class ParameterStoreBackend:
    """Looks parameters up as `<prefix>/<key>`; secure strings are decrypted by AWS.

    Args:
        connections_prefix: None to look no connection up here.
        variables_prefix: The same for variables.
        connections_lookup_pattern: A regular expression that ids must begin with, in any case of
            letters; other ids are not looked up here.
        variables_lookup_pattern: The same for variables.
        config_prefix, config_lookup_pattern: Taken because teams have them; flowcore's settings are
            not looked up.
        service: The options of `aws_requests.AwsRequests`.

    Raises:
        ValueError: an option cannot be used; the message names it.
    """

    name = "aws-parameter-store"

    def __init__(
        self,
        *,
        connections_prefix: str | None = "/airflow/connections",
        variables_prefix: str | None = "/airflow/variables",
        connections_lookup_pattern: str | None = None,
        variables_lookup_pattern: str | None = None,
        config_prefix: str | None = None,
        config_lookup_pattern: str | None = None,
        **service: Any,
    ) -> None:
        self._connections_prefix, self._variables_prefix = connections_prefix, variables_prefix
        self._connections_pattern = _pattern("connections_lookup_pattern", connections_lookup_pattern)
        self._variables_pattern = _pattern("variables_lookup_pattern", variables_lookup_pattern)
        self._requests = AwsRequests(self.name, "ssm", **service)

    async def get_connection(self, conn_id: str) -> str | None:
        """The parameter's value."""
        return await self._parameter(self._connections_prefix, self._connections_pattern, conn_id)

    async def get_variable(self, key: str) -> str | None:
        """The parameter's value."""
        return await self._parameter(self._variables_prefix, self._variables_pattern, key)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._requests.calls.aclose()

    async def _parameter(self, prefix: str | None, pattern: re.Pattern[str], key: str) -> str | None:
        if prefix is None or not pattern.match(key):
            return None
        name = "/" + f"{prefix.rstrip('/')}/{key}".lstrip("/")
        if not re.fullmatch(r"[\w/.-]{1,1011}", name, re.ASCII):
            return None  # no parameter can have such a name: a colon, say, would ask for a version
        asked = {"Name": name, "WithDecryption": True}
        answer = await self._requests.call("AmazonSSM.GetParameter", asked, misses=_MISSES, key=key)
        if answer is None:
            return None
        parameter = answer.get("Parameter")
        value = parameter.get("Value") if isinstance(parameter, dict) else None
        if not isinstance(value, str):
            raise self._requests.calls.garbled(key, "the answer holds no value; check endpoint_url")
        return value


def _pattern(option: str, pattern: str | None) -> re.Pattern[str]:
    try:
        return re.compile(pattern or "", re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{option} is no regular expression: {error}") from error
