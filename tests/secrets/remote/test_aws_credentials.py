"""Keys for AWS are the operator's, or those that Botocore finds."""

from __future__ import annotations

import pytest

from flowcore.errors import SecretsDenied
from flowcore.secrets.remote.aws_credentials import AwsCredentials


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def credentials(access_key=None, secret_key=None, session_token=None, profile_name=None):
    return AwsCredentials(access_key, secret_key, session_token=session_token, profile_name=profile_name)


async def test_given_keys_are_used(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    keys = await credentials("key", "secret", "token").keys("aws", "x")
    assert (keys.access_key, keys.secret_key, keys.token) == ("key", "secret", "token")


async def test_keys_of_the_environment_are_found(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert (await credentials().keys("aws", "x")).access_key == "key"


async def test_profile_gives_keys_and_region(tmp_path):
    (tmp_path / "credentials").write_text("[team]\naws_access_key_id = key\naws_secret_access_key = secret\n")
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-1\n")
    found = credentials(profile_name="team")
    assert found.region() == "eu-west-1"
    assert (await found.keys("aws", "x")).secret_key == "secret"


async def test_no_keys_anywhere_is_denied_with_the_remedy():
    with pytest.raises(SecretsDenied, match="no AWS credentials found; give aws_access_key_id"):
        await credentials().keys("aws", "x")


def test_profile_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="profile_name"):
        credentials(profile_name="missing").region()


def test_half_a_key_is_refused():
    with pytest.raises(ValueError, match="given together"):
        credentials("key")
