from __future__ import annotations

import sys

import pytest
from cryptography.fernet import Fernet

from flowcore.errors import SettingsError
from flowcore.secrets.encryption import Encryption, WrongKey

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_is_encrypted_can_be_decrypted() -> None:
    encryption = Encryption([OLD])
    token = encryption.encrypt("sécret")
    assert "cret" not in token
    assert encryption.decrypt(token) == "sécret"


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    both = Encryption.from_setting(f" {NEW} , {OLD} ")
    assert both.decrypt(Encryption([OLD]).encrypt("a")) == "a"
    assert Encryption([NEW]).decrypt(both.encrypt("b")) == "b"


@pytest.mark.parametrize(
    "token", [Encryption([OLD]).encrypt("a"), "no token", ""], ids=["of another key", "no token", "empty"]
)
def test_a_token_of_another_key_is_an_error(token: str) -> None:
    with pytest.raises(WrongKey):
        Encryption([NEW]).decrypt(token)


def test_without_a_key_nothing_is_encrypted() -> None:
    none = Encryption.from_setting("")
    assert not none.has_keys
    with pytest.raises(SettingsError, match="there is no key; set FLOWCORE_FERNET_KEY"):
        none.encrypt("a")


@pytest.mark.parametrize("key", ["planted", OLD[:-5], "ü" * 44], ids=["no key", "too short", "no ASCII"])
def test_a_malformed_key_is_not_quoted(key: str) -> None:
    with pytest.raises(SettingsError, match="malformed key") as caught:
        Encryption([key])
    assert key not in str(caught.value)


def test_without_the_package_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    with pytest.raises(SettingsError, match="run `pip install 'flowcore\\[secrets\\]'`"):
        Encryption([OLD])
    assert not Encryption([]).has_keys
