"""Secrets backends written for Airflow, by the text, as a file that an operator brings along."""

from __future__ import annotations

from pathlib import Path

import pytest

import flowcore
from flowcore.app.options import Options
from flowcore.app.secrets import SecretsOptions
from flowcore.errors import SecretsDenied, VariableNotFound
from flowcore.settings import Settings

BACKENDS = """
from __future__ import annotations

from typing import Any

from airflow.exceptions import AirflowSecretsBackendAccessDenied
from airflow.models.connection import Connection
from airflow.secrets import BaseSecretsBackend
from airflow.utils.log.logging_mixin import LoggingMixin


class Texts(BaseSecretsBackend, LoggingMixin):
    def __init__(self, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix

    def get_conn_value(self, conn_id: str) -> str | None:
        self.log.debug("looking for %s", self.build_path(self.prefix, conn_id))
        return {"team/db": "postgres://db.example"}.get(self.build_path(self.prefix, conn_id))

    def get_variable(self, key: str) -> str | None:
        if key == "forbidden":
            raise AirflowSecretsBackendAccessDenied("no")
        return {"team/colour": "green"}.get(self.build_path(self.prefix, key))


class Objects(BaseSecretsBackend):
    def get_connection(self, conn_id: str) -> Connection | None:
        return Connection(conn_id=conn_id, uri="http://db.example")
"""


@pytest.fixture
def options_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The options of an operator whose settings name a class of the file."""
    (tmp_path / "our_backends.py").write_text(BACKENDS)
    monkeypatch.syspath_prepend(tmp_path)

    def options(name: str, kwargs: str = "") -> Options:
        settings = Settings(secrets_backend=f"our_backends.{name}", secrets_backend_kwargs=kwargs)
        return Options(secrets=SecretsOptions.of(settings))

    return options


async def test_a_class_of_texts_works_unchanged(options_of) -> None:
    async with flowcore.open("sqlite://", options=options_of("Texts", '{"prefix": "team"}')) as fc:
        assert (await fc.secrets.connection("db")).conn_type == "postgres"
        assert await fc.secrets.variable("colour") == "green"
        with pytest.raises(VariableNotFound, match="Texts, environment, database"):
            await fc.secrets.variable("size")
        with pytest.raises(SecretsDenied, match="'Texts' cannot look up 'forbidden'"):
            await fc.secrets.variable("forbidden")


async def test_a_class_of_objects_works_unchanged(options_of) -> None:
    async with flowcore.open("sqlite://", options=options_of("Objects")) as fc:
        assert (await fc.secrets.connection("db")).host == "db.example"
        with pytest.raises(VariableNotFound):
            await fc.secrets.variable("colour")
