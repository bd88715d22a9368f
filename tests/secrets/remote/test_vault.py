"""The Vault backend against a stand-in that speaks Vault's documented API."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import anyio
import pytest

from flowcore.errors import SecretsDenied, SecretsGarbled
from flowcore.secrets.remote.vault import VaultBackend
from tests.support.secret_servers import Reply, Script, serving
from tests.support.secret_servers_vault import ROLE_ID, SECRET_ID, FakeToken, FakeVault

APPROLE = {"auth_type": "approle", "role_id": ROLE_ID, "secret_id": SECRET_ID}


@pytest.fixture
def vault():
    return FakeVault(tokens={"hvs.root": FakeToken()})


@asynccontextmanager
async def backend_of(service, **kwargs):
    with serving(service) as url:
        backend = VaultBackend(url=url, **(kwargs or {"token": "hvs.root"}))
        try:
            yield backend
        finally:
            await backend.aclose()


async def test_connection_is_its_uri_where_the_secret_has_one(vault):
    vault.secrets["secret/data/connections/db"] = {"conn_uri": "postgres://u:p@h/d"}
    async with backend_of(vault) as backend:
        assert await backend.get_connection("db") == "postgres://u:p@h/d"


async def test_connection_is_json_of_all_fields_otherwise(vault):
    vault.secrets["secret/data/connections/db"] = {"conn_type": "http", "port": 80}
    async with backend_of(vault) as backend:
        assert json.loads(await backend.get_connection("db")) == {"conn_type": "http", "port": 80}


async def test_variable_is_the_field_value(vault):
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    async with backend_of(vault) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_key_that_is_not_there_is_a_miss(vault):
    async with backend_of(vault) as backend:
        assert await backend.get_variable("x") is None
        assert await backend.get_connection("x") is None


async def test_kv_version_1_has_no_data_folder(vault):
    vault.secrets["teams/kv/vars/x"] = {"value": "seven"}
    options = {
        "kv_engine_version": 1,
        "mount_point": "teams/kv",
        "variables_path": "vars",
        "token": "hvs.root",
    }
    async with backend_of(vault, **options) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_key_names_the_mount_where_none_is_set(vault):
    vault.secrets["team-a/data/variables/x"] = {"value": "seven"}
    async with backend_of(vault, mount_point=None, token="hvs.root") as backend:
        assert await backend.get_variable("team-a/x") == "seven"
        assert await backend.get_variable("x") is None


async def test_namespace_is_sent(vault):
    vault.tokens["hvs.root"].namespace = "team-a"
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    async with backend_of(vault, namespace="team-a", token="hvs.root") as backend:
        assert await backend.get_variable("x") == "seven"


async def test_path_of_null_asks_nothing(vault):
    async with backend_of(vault, connections_path=None, token="hvs.root") as backend:
        assert await backend.get_connection("db") is None
    assert vault.requests == []


@pytest.mark.parametrize("key", ["../../sys/raw", "a//b", ".", "x/../y", ""])
async def test_key_cannot_lead_out_of_the_engine(vault, key):
    async with backend_of(vault) as backend:
        assert await backend.get_variable(key) is None
    assert vault.requests == []


async def test_key_may_hold_what_means_something_in_urls(vault):
    vault.secrets["secret/data/variables/a?b#c%2F d"] = {"value": "seven"}
    async with backend_of(vault) as backend:
        assert await backend.get_variable("a?b#c%2F d") == "seven"


@pytest.mark.parametrize("mount", [None, "teams/approle"])
async def test_app_role_logs_in_once_for_all_who_wait(vault, mount):
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    async with (
        backend_of(vault, **APPROLE, auth_mount_point=mount) as backend,
        anyio.create_task_group() as all_,
    ):
        for _ in range(20):
            all_.start_soon(backend.get_variable, "x")
    assert vault.logins == 1


async def test_pod_logs_in_with_the_token_of_its_service_account(vault, tmp_path):
    (tmp_path / "token").write_text("jwt-of-a-pod\n")
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    kwargs = {"auth_type": "kubernetes", "kubernetes_role": "flowcore"}
    async with backend_of(vault, **kwargs, kubernetes_jwt_path=str(tmp_path / "token")) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_token_that_is_about_to_expire_is_renewed(vault):
    vault.lease_s = 5  # so little is always "about to"
    async with backend_of(vault, **APPROLE) as backend:
        await backend.get_variable("x")
        await backend.get_variable("x")
    token = list(vault.tokens.values())[-1]
    assert (vault.logins, token.renewals) == (1, 1)


async def test_token_that_renewal_hardly_prolongs_is_replaced(vault):
    vault.lease_s, vault.renewed_s = 5, 2
    async with backend_of(vault, **APPROLE) as backend:
        await backend.get_variable("x")
        await backend.get_variable("x")
    assert vault.logins == 2


async def test_token_that_can_no_longer_be_renewed_is_replaced(vault):
    vault.lease_s = 5
    async with backend_of(vault, **APPROLE) as backend:
        await backend.get_variable("x")
        vault.tokens.clear()
        await backend.get_variable("x")
    assert vault.logins == 2


async def test_revoked_token_is_replaced_by_another_login(vault):
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    async with backend_of(vault, **APPROLE) as backend:
        await backend.get_variable("x")
        vault.tokens.clear()
        assert await backend.get_variable("x") == "seven"
    assert vault.logins == 2


async def test_token_file_is_read_again_when_its_token_was_revoked(vault, tmp_path):
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    (tmp_path / "token").write_text("hvs.root\n")
    async with backend_of(vault, token_path=str(tmp_path / "token")) as backend:
        await backend.get_variable("x")
        vault.tokens = {"hvs.next": FakeToken()}
        (tmp_path / "token").write_text("hvs.next\n")
        assert await backend.get_variable("x") == "seven"


async def test_key_that_a_good_token_may_not_read_is_denied_without_another_login(vault):
    vault.forbidden.add("secret/data/variables/x")
    async with backend_of(vault, **APPROLE) as backend:
        with pytest.raises(SecretsDenied, match=r"'vault' cannot look up 'x'.*403"):
            await backend.get_variable("x")
    assert vault.logins == 1


async def test_wrong_secret_id_is_denied_and_not_shown(vault):
    options = APPROLE | {"secret_id": "planted-wrong"}
    async with backend_of(vault, **options) as backend:
        with pytest.raises(SecretsDenied, match="approle login") as caught:
            await backend.get_variable("x")
    assert "planted" not in str(caught.value)


async def test_revoked_token_that_was_given_is_denied(vault):
    async with backend_of(vault, token="hvs.planted") as backend:
        with pytest.raises(SecretsDenied):
            await backend.get_variable("x")


async def test_unreadable_service_account_is_denied(vault):
    kwargs = {"auth_type": "kubernetes", "kubernetes_role": "r", "kubernetes_jwt_path": "/does/not/exist"}
    async with backend_of(vault, **kwargs) as backend:
        with pytest.raises(SecretsDenied, match="kubernetes_jwt_path"):
            await backend.get_variable("x")


async def test_variable_without_a_value_is_an_error_that_quotes_nothing(vault):
    vault.secrets["secret/data/variables/x"] = {"val": "planted"}
    async with backend_of(vault) as backend:
        with pytest.raises(SecretsGarbled, match='no field "value"') as caught:
            await backend.get_variable("x")
    assert "planted" not in str(caught.value)


async def test_wrong_kv_version_is_said():
    service = Script([Reply(200, {"data": {"ttl": 0}}), Reply(200, {"data": {"value": "planted"}})])
    async with backend_of(service, token="t") as backend:
        with pytest.raises(SecretsGarbled, match="kv_engine_version"):
            await backend.get_variable("x")


async def test_environment_gives_what_vaults_own_tools_take_from_it(vault, monkeypatch):
    vault.secrets["secret/data/variables/x"] = {"value": "seven"}
    with serving(vault) as url:
        monkeypatch.setenv("VAULT_ADDR", url)
        monkeypatch.setenv("VAULT_TOKEN", "hvs.root")
        backend = VaultBackend()
        assert await backend.get_variable("x") == "seven"
        await backend.aclose()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "vault:8200"}, "url is no URL"),
        ({"url": None}, "url is no URL"),
        ({"kv_engine_version": 3}, "kv_engine_version"),
        ({"auth_type": "ldap"}, "auth_type must be one of"),
        ({"auth_type": "approle"}, "role_id"),
        ({"auth_type": "kubernetes"}, "kubernetes_role"),
        ({"token": None}, "needs token or token_path"),
        ({"verify": "/does/not/exist"}, "verify"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        VaultBackend(**{"url": "http://127.0.0.1:8200", "token": "t"} | options)
