from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from flowcore.abc import SecretsBackend
from flowcore.database.engine import open_database
from flowcore.database.metadata_backend import MetadataBackend
from flowcore.database.queries.secrets import put_connections
from flowcore.database.schema import prepare
from flowcore.database.sealing import Sealing
from flowcore.domain.connections import parse_connection
from flowcore.secrets.adapter import ThreadedBackend
from flowcore.secrets.encryption import Encryption
from flowcore.secrets.environment import EnvironmentBackend
from flowcore.secrets.files import FilesBackend
from flowcore.testing.secrets_contract import CONNECTIONS, SECRETS_CHECKS, VARIABLES, tells_a_miss_by_none
from tests.support.secret_backends import KeptBackend

Check = Callable[[SecretsBackend], AbstractAsyncContextManager[None]]


class Synchronous:
    """As if written for Airflow."""

    def get_conn_value(self, conn_id: str) -> str | None:
        return CONNECTIONS.get(conn_id)

    def get_variable(self, key: str) -> str | None:
        return VARIABLES.get(key)


@asynccontextmanager
async def environment(folder: Path) -> AsyncIterator[SecretsBackend]:
    connections = {f"FLOWCORE_CONN_{conn_id.upper()}": uri for conn_id, uri in CONNECTIONS.items()}
    variables = {f"AIRFLOW_VAR_{key.upper()}": value for key, value in VARIABLES.items()}
    yield EnvironmentBackend(connections | variables)


@asynccontextmanager
async def threaded(folder: Path) -> AsyncIterator[SecretsBackend]:
    yield ThreadedBackend(Synchronous(), "airflow")


@asynccontextmanager
async def json_files(folder: Path) -> AsyncIterator[SecretsBackend]:
    yield write_files(folder, "json", json.dumps(dict(CONNECTIONS)), json.dumps(dict(VARIABLES)))


@asynccontextmanager
async def yaml_files(folder: Path) -> AsyncIterator[SecretsBackend]:
    objects = {conn_id: parse_connection(conn_id, uri).to_document() for conn_id, uri in CONNECTIONS.items()}
    # Every JSON document is YAML.
    yield write_files(folder, "yaml", json.dumps(objects), json.dumps(dict(VARIABLES)))


@asynccontextmanager
async def env_files(folder: Path) -> AsyncIterator[SecretsBackend]:
    yield write_files(folder, "env", *(lines(entries) for entries in (CONNECTIONS, VARIABLES)))


@asynccontextmanager
async def metadata(folder: Path) -> AsyncIterator[SecretsBackend]:
    sealing = Sealing(Encryption([Fernet.generate_key().decode()]))
    async with open_database(f"sqlite:///{folder / 'flow.db'}") as database:
        await database.run(prepare)
        rows = [sealing.seal_connection(parse_connection(*item)) for item in CONNECTIONS.items()]
        await database.run(put_connections, rows)
        backend = MetadataBackend(database, sealing)
        for key, value in VARIABLES.items():
            await backend.set_variable(key, value, None)
        yield backend


def lines(entries: object) -> str:
    return "\n".join(f"{name}={value}" for name, value in dict(entries).items())  # type: ignore[call-overload]


def write_files(folder: Path, kind: str, connections: str, variables: str) -> FilesBackend:
    paths = [folder / f"connections.{kind}", folder / f"variables.{kind}"]
    for path, text in zip(paths, (connections, variables), strict=True):
        path.write_text(text, "utf-8")
    return FilesBackend(connections_file_path=str(paths[0]), variables_file_path=str(paths[1]))


BACKENDS = [environment, threaded, json_files, yaml_files, env_files, metadata]


@pytest.mark.parametrize("check", SECRETS_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("opened", BACKENDS, ids=lambda opened: opened.__name__)
async def test_every_backend_keeps_the_contract(opened, check, tmp_path: Path) -> None:
    async with opened(tmp_path) as backend:
        await check(backend)


async def test_a_backend_that_breaks_the_contract_is_found_out() -> None:
    with pytest.raises(AssertionError):
        await tells_a_miss_by_none(KeptBackend(variables={"contract_absent": ""}))
