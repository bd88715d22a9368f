from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from flowcore.database.sealing import Sealing
from flowcore.domain.connections import Connection, parse_connection
from flowcore.errors import SecretsDenied, SettingsError
from flowcore.secrets.encryption import Encryption

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SEALED, OPEN = Sealing(Encryption([OLD])), Sealing(Encryption([]))
WITH_PASSWORD = parse_connection("db", "postgres://me:planted@host/db?region=eu&api_key=planted2")
WITHOUT_SECRETS = parse_connection("db", "postgres://me@host/db?region=eu")


@pytest.mark.parametrize("connection", [WITH_PASSWORD, WITHOUT_SECRETS])
def test_a_connection_survives_being_sealed(connection: Connection) -> None:
    row = SEALED.seal_connection(connection)
    assert row.is_encrypted
    assert "planted" not in str((row.password, row.extra))
    assert SEALED.open_connection(row) == connection


@given(st.text(), st.text())
def test_a_variable_survives_being_sealed(key: str, value: str) -> None:
    row = SEALED.seal_variable(key, value, None)
    assert SEALED.open_variable(row) == value


def test_without_a_key_what_holds_no_secret_is_stored_in_the_open() -> None:
    row = OPEN.seal_connection(WITHOUT_SECRETS)
    assert (row.is_encrypted, row.extra) == (False, '{"region": "eu"}')
    assert OPEN.open_connection(row) == WITHOUT_SECRETS
    assert OPEN.seal_variable("colour", "green", None).value == "green"


def test_without_a_key_secrets_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"'db' cannot be stored.*set FLOWCORE_FERNET_KEY"):
        OPEN.seal_connection(WITH_PASSWORD)
    with pytest.raises(SettingsError, match="'token' cannot be stored"):
        OPEN.seal_variable("token", "planted", None)


@pytest.mark.parametrize(
    ("sealing", "reason"),
    [(Sealing(Encryption([NEW])), "no key in fernet_key decrypts it"), (OPEN, "there is no key")],
)
def test_without_its_key_nothing_is_opened(sealing: Sealing, reason: str) -> None:
    with pytest.raises(SecretsDenied, match=f"'database' cannot look up 'db': .*{reason}"):
        sealing.open_connection(SEALED.seal_connection(WITH_PASSWORD))
    with pytest.raises(SecretsDenied, match=f"'database' cannot look up 'token': .*{reason}"):
        sealing.open_variable(SEALED.seal_variable("token", "planted", None))


def test_sealing_anew_takes_the_first_key() -> None:
    both = Sealing(Encryption([NEW, OLD]))
    row = both.reseal_connection(SEALED.seal_connection(WITH_PASSWORD))
    assert Sealing(Encryption([NEW])).open_connection(row) == WITH_PASSWORD
    variable = both.reseal_variable(SEALED.seal_variable("token", "planted", "what for"))
    assert Sealing(Encryption([NEW])).open_variable(variable) == "planted"
    assert variable.description == "what for"
