"""The Google backend against a stand-in that speaks the documented API and checks signatures."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled
from flowcore.secrets.remote.google_secret_manager import GoogleSecretManagerBackend
from tests.support.secret_servers import Reply, Script, serving
from tests.support.secret_servers_google import FakeGoogle, key_file

TOKEN = Reply(200, {"access_token": "t", "expires_in": 3600})


@asynccontextmanager
async def backend_of(service, **kwargs):
    with serving(service) as url:
        options = {"gcp_keyfile_dict": key_file(f"{url}/token"), "api_endpoint": url} | kwargs
        backend = GoogleSecretManagerBackend(**options)
        try:
            yield backend
        finally:
            await backend.aclose()


async def test_secret_is_found_under_its_prefix():
    google = FakeGoogle({"airflow-connections-db": b"postgres://h", "airflow-variables-x": "grün".encode()})
    async with backend_of(google) as backend:
        assert await backend.get_connection("db") == "postgres://h"
        assert await backend.get_variable("x") == "grün"


async def test_key_that_is_not_there_is_a_miss():
    async with backend_of(FakeGoogle()) as backend:
        assert await backend.get_variable("x") is None


@pytest.mark.parametrize("key", ["a.b", "../x", "a/b", "x" * 300])
async def test_name_that_no_secret_can_have_is_a_miss_without_a_question(key):
    google = FakeGoogle()
    async with backend_of(google) as backend:
        assert await backend.get_variable(key) is None
    assert google.requests == []


async def test_prefix_and_separator_are_the_operators():
    google = FakeGoogle({"team_x": b"seven"})
    async with backend_of(google, variables_prefix="team", sep="_", connections_prefix=None) as backend:
        assert await backend.get_variable("x") == "seven"
        assert await backend.get_connection("x") is None


async def test_one_token_serves_all_lookups():
    google = FakeGoogle({"airflow-variables-x": b"seven"})
    async with backend_of(google) as backend, anyio.create_task_group() as nursery:
        for _ in range(20):
            nursery.start_soon(backend.get_variable, "x")
    assert google.logins == 1


async def test_token_that_google_no_longer_knows_is_replaced():
    google = FakeGoogle({"airflow-variables-x": b"seven"})
    async with backend_of(google) as backend:
        await backend.get_variable("x")
        google.tokens.clear()
        assert await backend.get_variable("x") == "seven"
    assert google.logins == 2


async def test_secret_that_may_not_be_read_is_denied():
    google = FakeGoogle(forbidden={"airflow-variables-x"})
    async with backend_of(google) as backend:
        with pytest.raises(SecretsDenied, match=r"'google-secret-manager' cannot look up 'x'.*403"):
            await backend.get_variable("x")


async def test_key_that_google_does_not_know_is_denied():
    async with backend_of(Script([Reply(400, {"error": "invalid_grant"})])) as backend:
        with pytest.raises(SecretsDenied, match="Google refuses"):
            await backend.get_variable("x")


async def test_claim_that_another_key_signed_is_denied():
    google, key = FakeGoogle(), generate_private_key(public_exponent=65537, key_size=2048)
    with serving(google) as url:
        forged = key_file(f"{url}/token", key)
        backend = GoogleSecretManagerBackend(gcp_keyfile_dict=forged, api_endpoint=url)
        with pytest.raises(SecretsDenied, match="Google refuses"):
            await backend.get_variable("x")
        await backend.aclose()


async def test_disabled_secret_is_an_error():
    async with backend_of(
        Script([TOKEN, Reply(400, {"error": {"status": "FAILED_PRECONDITION"}})])
    ) as backend:
        with pytest.raises(SecretsError, match="400"):
            await backend.get_variable("x")


@pytest.mark.parametrize("payload", [None, {"data": "%%"}, {"data": "/w=="}])
async def test_secret_that_is_no_text_is_an_error(payload):
    async with backend_of(Script([TOKEN, Reply(200, {"payload": payload})])) as backend:
        with pytest.raises(SecretsGarbled, match="UTF-8"):
            await backend.get_variable("x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sep": "/"}, "prefixes and sep"),
        ({"project_id": "a/b"}, "project_id"),
        ({"api_endpoint": "x"}, "api_endpoint"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        GoogleSecretManagerBackend(gcp_keyfile_dict=key_file("https://h/token"), **options)
