"""What a connection says to fsspec's file systems: arguments by protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowcore.domain.connections import Connection


def storage_options(protocol: str, connection: Connection) -> dict[str, Any]:
    """Arguments for the file system of a protocol.

    The extra's `storage_options` is stronger than what is made of the other fields, so that whatever a
    file system takes can be given.
    """
    extra = connection.extra_dejson
    match protocol:
        case "s3" | "s3a":
            found = _s3(connection, extra)
        case "gs" | "gcs":
            token = extra.get("keyfile_dict") or extra.get("key_path")
            found = {"token": token, "project": extra.get("project")}
        case "abfs" | "abfss" | "az" | "adl":
            found = _azure(connection, extra)
        case _:
            found = {
                "host": connection.host,
                "port": connection.port,
                "username": connection.login,
                "password": connection.password,
            }
    given = {name: value for name, value in found.items() if value not in (None, "", {})}
    return {**given, **extra.get("storage_options", {})}


def _s3(connection: Connection, extra: Mapping[str, Any]) -> dict[str, Any]:
    client = {"region_name": extra.get("region_name")}
    return {
        "key": connection.login,
        "secret": connection.password,
        "token": extra.get("aws_session_token"),
        "profile": extra.get("profile_name"),
        "endpoint_url": extra.get("endpoint_url") or connection.host,
        "client_kwargs": {name: value for name, value in client.items() if value},
    }


def _azure(connection: Connection, extra: Mapping[str, Any]) -> dict[str, Any]:
    names = ("connection_string", "sas_token", "tenant_id", "client_id", "client_secret")
    return {
        "account_name": extra.get("account_name") or connection.login,
        "account_key": connection.password,
        **{name: extra.get(name) for name in names},
    }
