"""Connections and variables from environment variables: `FLOWCORE_CONN_MY_DB`, `FLOWCORE_VAR_COLOUR`.

Airflow's spellings, `AIRFLOW_CONN_…` and `AIRFLOW_VAR_…`, are understood; flowcore's win. An empty text
is no connection, but is a variable.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_PREFIXES = ("FLOWCORE_", "AIRFLOW_")


class EnvironmentBackend:
    """Implements `flowcore.abc.SecretsBackend`; `environment` is by default that of the process."""

    name = "environment"

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment

    async def get_connection(self, conn_id: str) -> str | None:
        return self.connection_text(conn_id)

    async def get_variable(self, key: str) -> str | None:
        return self.variable_text(key)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def connection_text(self, conn_id: str) -> str | None:
        """The same as `get_connection`, for those who cannot wait."""
        return self._find(f"CONN_{conn_id.upper()}") or None

    def variable_text(self, key: str) -> str | None:
        """The same as `get_variable`, for those who cannot wait."""
        return self._find(f"VAR_{key.upper()}")

    def _find(self, suffix: str) -> str | None:
        # The operating system takes no NUL in a name.
        names = [f"{prefix}{suffix}" for prefix in _PREFIXES if "\0" not in suffix]
        return next((self._environment[name] for name in names if name in self._environment), None)
