"""`airflow.secrets.BaseSecretsBackend`: what secrets backends that were written for Airflow inherit.

`flowcore.secrets.adapter` runs them, and goes past what they did not override of this.
"""

from __future__ import annotations

from typing import Any

from flowcore.domain.connections import Connection, parse_connection


class BaseSecretsBackend:
    """Has Airflow's methods; a subclass overrides those of what it keeps."""

    def __init__(self, **kwargs: Any) -> None:
        """Take whatever a subclass hands on."""

    @staticmethod
    def build_path(path_prefix: str, secret_id: str, sep: str = "/") -> str:
        """The prefix and the id with `sep` between them."""
        return f"{path_prefix}{sep}{secret_id}"

    def get_conn_value(self, conn_id: str) -> str | None:
        """The connection as a URI or a JSON object."""
        raise NotImplementedError

    def deserialize_connection(self, conn_id: str, value: str) -> Connection:
        """Read what `get_conn_value` returned."""
        return parse_connection(conn_id, value)

    def get_connection(self, conn_id: str) -> Connection | None:
        """The connection; to be overridden where there is no text of it."""
        value = self.get_conn_value(conn_id=conn_id)
        return self.deserialize_connection(conn_id=conn_id, value=value) if value else None

    def get_variable(self, key: str) -> str | None:
        """The text of a variable."""
        raise NotImplementedError

    def get_config(self, key: str) -> str | None:
        """The value of an option of Airflow's; flowcore never asks."""
        return None
