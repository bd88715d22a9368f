"""Every remote backend keeps the contract, is made by its name, and costs nothing until then."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager

import pytest

from flowcore.secrets.backends import BACKENDS, make_backend
from flowcore.testing.secrets_contract import CONNECTIONS, SECRETS_CHECKS, VARIABLES
from tests.support.secret_servers import serving
from tests.support.secret_servers_aws import running_aws
from tests.support.secret_servers_azure import CLIENT_ID, CLIENT_SECRET, TENANT, FakeAzure
from tests.support.secret_servers_google import FakeGoogle, key_file
from tests.support.secret_servers_vault import ROLE_ID, SECRET_ID, FakeVault

REMOTE = [name for name, source in BACKENDS.items() if source.extra in ("aws", "google", "http")]
#: What the backends need and nothing else does.
LIBRARIES = ("httpx", "botocore", "google.auth", "cryptography")


@contextmanager
def vault():
    connections = {f"secret/data/connections/{name}": {"conn_uri": uri} for name, uri in CONNECTIONS.items()}
    variables = {f"secret/data/variables/{key}": {"value": value} for key, value in VARIABLES.items()}
    with serving(FakeVault(connections | variables)) as url:
        yield {"url": url, "auth_type": "approle", "role_id": ROLE_ID, "secret_id": SECRET_ID}


@contextmanager
def secrets_manager():
    with running_aws() as aws:
        for path, value in by_path("airflow/", "/").items():
            aws.client("secretsmanager").create_secret(Name=path, SecretString=value)
        yield aws.kwargs


@contextmanager
def parameter_store():
    with running_aws() as aws:
        for path, value in by_path("/airflow/", "/").items():
            aws.client("ssm").put_parameter(Name=path, Value=value, Type="SecureString")
        yield aws.kwargs


@contextmanager
def google():
    secrets = {path: value.encode() for path, value in by_path("airflow-", "-").items()}
    with serving(FakeGoogle(secrets)) as url:
        yield {"gcp_keyfile_dict": key_file(f"{url}/token"), "api_endpoint": url}


@contextmanager
def azure():
    secrets = {path.replace("_", "-"): value for path, value in by_path("airflow-", "-").items()}
    client = {"tenant_id": TENANT, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    with serving(FakeAzure(secrets)) as url:
        yield client | {"vault_url": url, "authority": url}


SERVICES = {
    "vault": vault,
    "aws-secrets-manager": secrets_manager,
    "aws-parameter-store": parameter_store,
    "google-secret-manager": google,
    "azure-key-vault": azure,
}


def by_path(start, sep):
    connections = {f"{start}connections{sep}{name}": uri for name, uri in CONNECTIONS.items()}
    return connections | {f"{start}variables{sep}{key}": value for key, value in VARIABLES.items()}


@pytest.fixture(scope="module", params=REMOTE)
def named(request):
    """A remote backend's name and what it is made with to look up in a service that holds the contract's."""
    with SERVICES[request.param]() as kwargs:
        yield request.param, json.dumps(kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("check", SECRETS_CHECKS, ids=lambda check: check.__name__)
async def test_backend_keeps_the_contract(named, check):
    backend = make_backend(*named)
    try:
        await check(backend)
    finally:
        await backend.aclose()


@pytest.mark.slow
def test_nothing_is_loaded_until_a_backend_is_named():
    program = f"import sys, flowcore.secrets.backends; print(*[n for n in {LIBRARIES} if n in sys.modules])"
    assert run(program).stdout == "\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", REMOTE)
def test_missing_library_is_told_with_the_command_that_installs_it(name):
    program = f"""
import sys
sys.modules.update(dict.fromkeys({LIBRARIES}))
from flowcore.secrets.backends import make_backend
make_backend({name!r}, "{{}}")
"""
    shown = run(program).stderr
    assert "SettingsError" in shown
    assert f"pip install 'flowcore[{BACKENDS[name].extra}]'" in shown


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
