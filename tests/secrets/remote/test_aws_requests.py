"""What AWS's answers mean, from a service that follows a script."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from flowcore.errors import SecretsDenied, SecretsError, SecretsGarbled
from flowcore.secrets.remote.aws_requests import AwsRequests
from tests.support.secret_servers import Reply, Script, serving

KEYS = {"aws_access_key_id": "AKIAPLANTED", "aws_secret_access_key": "planted"}
GOOD = Reply(200, {"ok": True})


def failure(code, status=400):
    return Reply(status, {"__type": code, "message": "planted"})


@asynccontextmanager
async def requests_to(service, **kwargs):
    with serving(service) as url:
        requests = AwsRequests("aws", "ssm", endpoint_url=url, region_name="eu-west-1", **KEYS | kwargs)
        try:
            yield requests
        finally:
            await requests.calls.aclose()


async def ask(requests):
    return await requests.call(
        "AmazonSSM.GetParameter", {"Name": "x"}, misses=frozenset({"Missing"}), key="x"
    )


async def test_request_is_signed_with_its_session_token():
    script = Script([GOOD])
    async with requests_to(script, aws_session_token="a session") as requests:
        assert await ask(requests) == {"ok": True}
    headers = script.requests[0].headers
    assert headers["x-amz-security-token"] == "a session"
    assert headers["x-amz-target"] == "AmazonSSM.GetParameter"
    assert "/eu-west-1/ssm/aws4_request, " in headers["authorization"]
    assert "content-type;host;x-amz-date;x-amz-security-token;x-amz-target" in headers["authorization"]


@pytest.mark.parametrize("code", ["ThrottlingException", "com.amazonaws.ssm#TooManyRequestsException"])
async def test_throttled_request_is_sent_again(code):
    script = Script([failure(code), GOOD])
    async with requests_to(script) as requests:
        assert await ask(requests) == {"ok": True}
    assert len(script.requests) == 2


@pytest.mark.parametrize("code", ["Missing", "aws#Missing", "Missing:http://internal.amazon.com/"])
async def test_code_of_a_miss_is_found_in_all_its_spellings(code):
    async with requests_to(Script([failure(code)])) as requests:
        assert await ask(requests) is None


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException"]
)
async def test_refused_credentials_are_told_by_their_code(code):
    async with requests_to(Script([failure(code)])) as requests:
        with pytest.raises(SecretsDenied, match=code) as caught:
            await ask(requests)
    assert "planted" not in str(caught.value).lower()


async def test_other_error_is_told_by_its_code_only():
    async with requests_to(Script([failure("DecryptionFailure")])) as requests:
        with pytest.raises(SecretsError, match="DecryptionFailure") as caught:
            await ask(requests)
    assert "planted" not in str(caught.value)


async def test_code_that_is_no_word_is_not_shown():
    async with requests_to(Script([failure("planted secret!")])) as requests:
        with pytest.raises(SecretsError, match="400") as caught:
            await ask(requests)
    assert "planted" not in str(caught.value)


async def test_garbage_is_an_error():
    async with requests_to(Script([Reply(200, b"<html>")])) as requests:
        with pytest.raises(SecretsGarbled):
            await ask(requests)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region_name": "eu/west"}, "region_name is no region"),
        ({"aws_secret_access_key": None}, "given together"),
        ({"endpoint_url": "ssm"}, "endpoint_url"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        AwsRequests("aws", "ssm", **{"region_name": "eu-west-1"} | KEYS | options)
