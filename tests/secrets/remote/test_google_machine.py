"""Tokens of the machine itself, from a stand-in for Google's metadata server."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from flowcore.errors import SecretsError, SecretsUnavailable
from flowcore.secrets.remote.google_secret_manager import GoogleSecretManagerBackend
from tests.support.secret_servers import Reply, Script, serving
from tests.support.secret_servers_google import FakeGoogle


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@asynccontextmanager
async def backend_of(monkeypatch, service):
    with serving(service) as url:
        monkeypatch.setenv("GCE_METADATA_HOST", url.removeprefix("http://"))
        backend = GoogleSecretManagerBackend(project_id="project-a", api_endpoint=url)
        try:
            yield backend
        finally:
            await backend.aclose()


async def test_without_a_key_the_machines_account_looks_up(monkeypatch):
    google = FakeGoogle({"airflow-variables-x": b"seven"})
    async with backend_of(monkeypatch, google) as backend:
        assert await backend.get_variable("x") == "seven"
        google.tokens.clear()
        assert await backend.get_variable("x") == "seven"
    assert google.logins == 2


@pytest.mark.slow  # it is tried again, as any service
async def test_without_a_metadata_server_the_missing_key_is_told(monkeypatch):
    monkeypatch.setenv("GCE_METADATA_HOST", "127.0.0.1:1")
    backend = GoogleSecretManagerBackend(project_id="project-a")
    with pytest.raises(SecretsUnavailable, match="no credentials are given, and Google's metadata server"):
        await backend.get_variable("x")
    await backend.aclose()


async def test_machine_without_an_account_is_an_error(monkeypatch):
    async with backend_of(monkeypatch, Script([Reply(404)])) as backend:
        with pytest.raises(SecretsError, match="404"):
            await backend.get_variable("x")


def test_project_is_needed_where_no_key_names_it():
    with pytest.raises(ValueError, match="project_id is missing"):
        GoogleSecretManagerBackend()
