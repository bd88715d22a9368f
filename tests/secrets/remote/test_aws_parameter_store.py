"""The Parameter Store backend against moto's server, which checks the signatures."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from flowcore.errors import SecretsDenied
from flowcore.secrets.remote.aws_parameter_store import ParameterStoreBackend


@pytest.fixture
def put(aws):
    """Puts a secure parameter for the duration of a test."""
    client, names = aws.client("ssm"), []

    def put(name, value):
        client.put_parameter(Name=name, Value=value, Type="SecureString")
        names.append(name)

    yield put
    client.delete_parameters(Names=names)


@asynccontextmanager
async def backend_of(aws, **kwargs):
    backend = ParameterStoreBackend(**aws.kwargs | kwargs)
    try:
        yield backend
    finally:
        await backend.aclose()


async def test_parameter_is_found_under_its_prefix_and_decrypted(aws, put):
    put("/airflow/connections/db", "postgres://u:p@h/d")
    put("/airflow/variables/x", "seven")
    async with backend_of(aws) as backend:
        assert await backend.get_connection("db") == "postgres://u:p@h/d"
        assert await backend.get_variable("x") == "seven"


@pytest.mark.parametrize("key", ["missing", "x:1", "a b", ""])
async def test_key_that_is_not_there_is_a_miss(aws, put, key):
    put("/airflow/variables/x", "seven")
    async with backend_of(aws) as backend:
        assert await backend.get_variable(key) is None


async def test_prefix_gets_the_slash_that_aws_wants(aws, put):
    put("/team/x", "seven")
    async with backend_of(aws, variables_prefix="team/") as backend:
        assert await backend.get_variable("x") == "seven"


async def test_only_keys_of_the_pattern_are_looked_up(aws, put):
    put("/airflow/variables/team_x", "seven")
    put("/airflow/variables/x", "eight")
    async with backend_of(aws, variables_lookup_pattern="TEAM_") as backend:
        assert await backend.get_variable("team_x") == "seven"
        assert await backend.get_variable("x") is None


async def test_prefix_of_null_asks_nothing(aws, put):
    put("/airflow/connections/db", "postgres://")
    async with backend_of(aws, connections_prefix=None) as backend:
        assert await backend.get_connection("db") is None


async def test_wrong_secret_key_is_denied_and_not_shown(aws):
    async with backend_of(aws, aws_secret_access_key="planted") as backend:
        with pytest.raises(SecretsDenied, match=r"'aws-parameter-store' cannot look up 'x'") as caught:
            await backend.get_variable("x")
    assert "planted" not in str(caught.value)


def test_pattern_that_is_none_is_refused():
    with pytest.raises(ValueError, match="variables_lookup_pattern"):
        ParameterStoreBackend(region_name="eu-west-1", variables_lookup_pattern="(")
