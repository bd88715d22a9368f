"""The Azure backend against a stand-in that speaks the documented API."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from flowcore.errors import SecretsDenied, SecretsGarbled
from flowcore.secrets.remote.azure_key_vault import AzureKeyVaultBackend
from tests.support.secret_servers import Reply, Script, serving
from tests.support.secret_servers_azure import CLIENT_ID, CLIENT_SECRET, TENANT, FakeAzure

CLIENT = {"tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
TOKEN = Reply(200, {"access_token": "t", "expires_in": 3600})


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch):
    for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET", "AUTHORITY_HOST", "FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(f"AZURE_{name}", raising=False)


@asynccontextmanager
async def backend_of(service, **kwargs):
    with serving(service) as url:
        backend = AzureKeyVaultBackend(**CLIENT | {"vault_url": url, "authority": url} | kwargs)
        try:
            yield backend
        finally:
            await backend.aclose()


async def test_secret_is_found_under_its_prefix_with_dashes_for_underscores():
    azure = FakeAzure({"airflow-connections-my-db": "postgres://h", "airflow-variables-x": "seven"})
    async with backend_of(azure) as backend:
        assert await backend.get_connection("my_db") == "postgres://h"
        assert await backend.get_variable("x") == "seven"


async def test_key_that_is_not_there_is_a_miss():
    async with backend_of(FakeAzure()) as backend:
        assert await backend.get_variable("x") is None


@pytest.mark.parametrize("key", ["a.b", "../x", "a/b", "x" * 200])
async def test_name_that_no_secret_can_have_is_a_miss_without_a_question(key):
    azure = FakeAzure()
    async with backend_of(azure) as backend:
        assert await backend.get_variable(key) is None
    assert azure.requests == []


async def test_prefix_is_the_operators():
    azure = FakeAzure({"team-x": "seven", "bare-x": "eight"})
    async with backend_of(azure, variables_prefix="team-", connections_prefix="") as backend:
        assert await backend.get_variable("x") == "seven"
        assert await backend.get_connection("bare_x") == "eight"


async def test_prefix_of_null_asks_nothing():
    async with backend_of(FakeAzure({"airflow-variables-x": "seven"}), variables_prefix=None) as backend:
        assert await backend.get_variable("x") is None


async def test_one_token_serves_all_lookups():
    azure = FakeAzure({"airflow-variables-x": "seven"})
    async with backend_of(azure) as backend, anyio.create_task_group() as nursery:
        for _ in range(20):
            nursery.start_soon(backend.get_variable, "x")
    assert azure.logins == 1


async def test_token_that_azure_no_longer_knows_is_replaced():
    azure = FakeAzure({"airflow-variables-x": "seven"})
    async with backend_of(azure) as backend:
        await backend.get_variable("x")
        azure.tokens.clear()
        assert await backend.get_variable("x") == "seven"
    assert azure.logins == 2


async def test_secret_that_may_not_be_read_is_denied():
    async with backend_of(FakeAzure(forbidden={"airflow-variables-x"})) as backend:
        with pytest.raises(SecretsDenied, match=r"'azure-key-vault' cannot look up 'x'.*403"):
            await backend.get_variable("x")


async def test_wrong_client_secret_is_denied_and_not_shown():
    async with backend_of(FakeAzure(), client_secret="planted-wrong") as backend:
        with pytest.raises(SecretsDenied, match="Entra ID refuses") as caught:
            await backend.get_variable("x")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("answer", [{"expires_in": 3600}, {"access_token": "t"}])
async def test_answer_without_a_token_is_an_error(answer):
    async with backend_of(Script([Reply(200, answer)])) as backend:
        with pytest.raises(SecretsGarbled, match="no token"):
            await backend.get_variable("x")


async def test_answer_without_a_value_is_an_error():
    async with backend_of(Script([TOKEN, Reply(200, {"id": "x"})])) as backend:
        with pytest.raises(SecretsGarbled, match="no secret"):
            await backend.get_variable("x")


async def test_environment_gives_what_azures_own_tools_take_from_it(monkeypatch):
    with serving(FakeAzure({"airflow-variables-x": "seven"})) as url:
        for name, value in CLIENT.items():
            monkeypatch.setenv(f"AZURE_{name.upper()}", value)
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", url)
        backend = AzureKeyVaultBackend(vault_url=url)
        assert await backend.get_variable("x") == "seven"
        await backend.aclose()


async def test_token_is_asked_for_the_vaults_own_cloud():
    script = Script([Reply(401)])
    with serving(script) as url:
        backend = AzureKeyVaultBackend(**CLIENT, vault_url="https://a.vault.azure.cn", authority=url)
        with pytest.raises(SecretsDenied):
            await backend.get_variable("x")
        await backend.aclose()
    assert script.requests[0].form["scope"] == "https://vault.azure.cn/.default"


@pytest.mark.parametrize("option", ["tenant_id", "client_id", "client_secret", "vault_url"])
def test_options_that_are_missing_are_named(option):
    with pytest.raises(ValueError, match=option):
        AzureKeyVaultBackend(**{"vault_url": "https://a.vault.azure.net"} | CLIENT | {option: ""})
