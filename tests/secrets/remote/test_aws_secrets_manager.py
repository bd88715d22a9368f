"""The Secrets Manager backend against moto's server, which checks the signatures."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from flowcore.errors import SecretsDenied, SecretsGarbled
from flowcore.secrets.remote.aws_secrets_manager import SecretsManagerBackend


@pytest.fixture
def put(aws):
    """Puts a secret for the duration of a test."""
    client, names = aws.client("secretsmanager"), []

    def put(name, **content):
        names.append(client.create_secret(Name=name, **content)["Name"])

    yield put
    for name in names:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@asynccontextmanager
async def backend_of(aws, **kwargs):
    backend = SecretsManagerBackend(**aws.kwargs | kwargs)
    try:
        yield backend
    finally:
        await backend.aclose()


async def test_secret_is_found_under_its_prefix(aws, put):
    put("airflow/connections/db", SecretString="postgres://u:p@h/d")
    put("airflow/variables/x", SecretString="grün")
    async with backend_of(aws) as backend:
        assert await backend.get_connection("db") == "postgres://u:p@h/d"
        assert await backend.get_variable("x") == "grün"


async def test_key_that_is_not_there_is_a_miss(aws):
    async with backend_of(aws) as backend:
        assert await backend.get_connection("missing") is None
        assert await backend.get_variable("missing") is None


async def test_secret_that_waits_for_its_deletion_is_a_miss(aws, put):
    put("airflow/variables/x", SecretString="seven")
    aws.client("secretsmanager").delete_secret(SecretId="airflow/variables/x", RecoveryWindowInDays=7)
    async with backend_of(aws) as backend:
        assert await backend.get_variable("x") is None


async def test_prefix_and_separator_are_the_operators(aws, put):
    put("team_x", SecretString="seven")
    put("bare", SecretString="eight")
    async with backend_of(aws, variables_prefix="team", sep="_") as backend:
        assert await backend.get_variable("x") == "seven"
    async with backend_of(aws, variables_prefix="") as backend:
        assert await backend.get_variable("bare") == "eight"


async def test_prefix_of_null_asks_nothing(aws, put):
    put("airflow/variables/x", SecretString="seven")
    async with backend_of(aws, variables_prefix=None) as backend:
        assert await backend.get_variable("x") is None


async def test_name_that_no_secret_can_have_is_a_miss(aws):
    async with backend_of(aws) as backend:
        assert await backend.get_variable("x y") is None


async def test_fields_of_a_databases_own_secret_become_a_connection(aws, put):
    secret = {"engine": "postgres", "username": "u", "password": "p", "host": "h", "port": 5432}
    put("airflow/connections/db", SecretString=json.dumps(secret))
    async with backend_of(aws) as backend:
        connection = json.loads(await backend.get_connection("db"))
    expected = {"conn_type": "postgres", "login": "u", "password": "p", "host": "h", "port": 5432}
    assert {name: value for name, value in connection.items() if value is not None} == expected


async def test_fields_may_have_the_operators_names_and_be_encoded(aws, put):
    put("airflow/connections/db", SecretString=json.dumps({"benutzer": "a%2Fb", "conn_type": "http"}))
    options = {"extra_conn_words": {"user": ["benutzer"]}, "are_secret_values_urlencoded": True}
    async with backend_of(aws, **options) as backend:
        assert json.loads(await backend.get_connection("db"))["login"] == "a/b"


async def test_connection_that_is_half_json_is_an_error_that_quotes_nothing(aws, put):
    put("airflow/connections/db", SecretString='{"password": "planted"')
    async with backend_of(aws) as backend:
        with pytest.raises(SecretsGarbled, match="no valid JSON") as caught:
            await backend.get_connection("db")
    assert "planted" not in str(caught.value)


async def test_binary_secret_is_an_error(aws, put):
    put("airflow/variables/x", SecretBinary=b"planted")
    async with backend_of(aws) as backend:
        with pytest.raises(SecretsGarbled, match="SecretString"):
            await backend.get_variable("x")


async def test_wrong_secret_key_is_denied_and_not_shown(aws):
    async with backend_of(aws, aws_secret_access_key="planted") as backend:
        with pytest.raises(SecretsDenied, match=r"'aws-secrets-manager' cannot look up 'x'") as caught:
            await backend.get_variable("x")
    assert "planted" not in str(caught.value)


async def test_user_who_may_not_read_is_denied(aws):
    other = aws.user(f"other-{uuid4()}", "ssm:GetParameter")
    async with backend_of(other) as backend:
        with pytest.raises(SecretsDenied, match="access denied"):
            await backend.get_variable("x")


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="extra_conn_words names"):
        SecretsManagerBackend(region_name="eu-west-1", extra_conn_words={"colour": ["farbe"]})
