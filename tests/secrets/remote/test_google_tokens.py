"""The key of a service account is read from where the operator put it, and never shown."""

from __future__ import annotations

import json

import pytest

from flowcore.secrets.remote.google_tokens import ServiceAccount
from tests.support.secret_servers_google import EMAIL, key_file

KEY = key_file("https://oauth2.googleapis.com/token")


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)


@pytest.mark.parametrize("fields", [KEY, json.dumps(KEY)])
def test_key_is_given_as_an_object_or_its_text(fields):
    account = ServiceAccount.from_options(None, fields)
    assert (account.email, account.project_id) == (EMAIL, "project-a")


def test_key_is_read_from_its_file(tmp_path, monkeypatch):
    (tmp_path / "key.json").write_text(json.dumps(KEY))
    assert ServiceAccount.from_options(str(tmp_path / "key.json"), None).email == EMAIL
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    assert ServiceAccount.from_options(None, None).email == EMAIL


def test_no_key_at_all_is_no_account():
    assert ServiceAccount.from_options(None, None) is None


def test_file_that_cannot_be_read_is_named():
    with pytest.raises(ValueError, match="check /does/not/exist"):
        ServiceAccount.from_options("/does/not/exist", None)


@pytest.mark.parametrize(
    "fields", ["planted", "[]", {}, KEY | {"private_key": "planted"}, KEY | {"token_uri": "planted"}]
)
def test_key_that_is_none_is_refused_and_not_quoted(fields):
    with pytest.raises(ValueError, match="none of a service account") as caught:
        ServiceAccount.from_options(None, fields)
    assert "planted" not in str(caught.value)
    assert caught.value.__context__ is None


def test_account_does_not_show_its_key():
    assert "signer" not in repr(ServiceAccount.from_options(None, KEY))
