from __future__ import annotations

import json

import pytest

from flowcore.domain.connections import Connection
from flowcore.sdk.storage_options import storage_options


def connection(**fields) -> Connection:
    extra = json.dumps(fields.pop("extra", {}))
    return Connection(conn_id="store", conn_type="generic", extra=extra, **fields)


@pytest.mark.parametrize(
    ("protocol", "fields", "options"),
    [
        ("s3", {"login": "me", "password": "x"}, {"key": "me", "secret": "x"}),
        (
            "s3a",
            {"extra": {"region_name": "eu-central-1", "endpoint_url": "http://minio"}},
            {"client_kwargs": {"region_name": "eu-central-1"}, "endpoint_url": "http://minio"},
        ),
        ("gs", {"extra": {"key_path": "/key.json", "project": "p"}}, {"token": "/key.json", "project": "p"}),
        ("abfs", {"login": "shop", "password": "x"}, {"account_name": "shop", "account_key": "x"}),
        ("abfs", {"extra": {"sas_token": "t"}}, {"sas_token": "t"}),
        (
            "sftp",
            {"host": "h", "port": 22, "login": "me", "password": "x"},
            {"host": "h", "port": 22, "username": "me", "password": "x"},
        ),
        ("s3", {"login": "me", "extra": {"storage_options": {"key": "you"}}}, {"key": "you"}),
        ("gs", {}, {}),
    ],
)
def test_fields_become_the_arguments_of_the_file_system(protocol, fields, options):
    assert storage_options(protocol, connection(**fields)) == options
