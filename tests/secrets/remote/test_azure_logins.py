"""Logging in to Azure as a pod and as a machine; logins with a secret are in test_azure_key_vault.py."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from flowcore.errors import SecretsDenied
from flowcore.secrets.remote.azure_key_vault import AzureKeyVaultBackend
from tests.support.secret_servers import serving
from tests.support.secret_servers_azure import CLIENT_ID, POD_TOKEN, TENANT, FakeAzure

POD = {"tenant_id": TENANT, "client_id": CLIENT_ID}


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch):
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "AUTHORITY_HOST", "FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)


@asynccontextmanager
async def backend_of(monkeypatch, **options):
    azure = FakeAzure({"airflow-variables-x": "seven"})
    with serving(azure) as url:
        monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", url)
        backend = AzureKeyVaultBackend(vault_url=url, authority=url, **options)
        try:
            yield backend
        finally:
            await backend.aclose()


async def test_pod_shows_its_own_token(monkeypatch, tmp_path):
    (tmp_path / "token").write_text(f"{POD_TOKEN}\n")
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    async with backend_of(monkeypatch, **POD) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_pod_whose_token_cannot_be_read_is_denied(monkeypatch):
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", "/does/not/exist")
    async with backend_of(monkeypatch, **POD) as backend:
        with pytest.raises(SecretsDenied, match="AZURE_FEDERATED_TOKEN_FILE names cannot be read"):
            await backend.get_variable("x")


@pytest.mark.parametrize("options", [{}, {"managed_identity_client_id": CLIENT_ID}])
async def test_machine_has_its_tokens_from_azure(monkeypatch, options):
    async with backend_of(monkeypatch, **options) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_identity_that_the_machine_does_not_have_is_denied(monkeypatch):
    async with backend_of(monkeypatch, managed_identity_client_id="another") as backend:
        with pytest.raises(SecretsDenied, match="Azure's metadata service refuses"):
            await backend.get_variable("x")
