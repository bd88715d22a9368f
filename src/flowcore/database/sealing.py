"""Between connections and variables and their rows: what is secret is encrypted on the way.

Passwords, and what is called like a secret in an extra or a variable, are never stored in the open:
without a key they are refused. With one, every password, extra and variable is encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from flowcore.database.queries.secrets import ConnectionRow, VariableRow
from flowcore.domain.connections import Connection
from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import SecretsDenied, SettingsError
from flowcore.secrets.encryption import Encryption, WrongKey

#: How the database is called in errors and statistics.
BACKEND = "database"


@attrs.frozen
class Sealing:
    """Seals rows and opens them with the keys of the operator."""

    encryption: Encryption

    def seal_connection(self, connection: Connection) -> ConnectionRow:
        """Make the row of a connection.

        Raises:
            SettingsError: something in it is secret, and there is no key.
        """
        fields = attrs.asdict(connection)
        is_encrypted = self._must_encrypt(connection.secrets())
        for name in _SEALED if is_encrypted else ():
            fields[name] = fields[name] and self._encrypt(connection.conn_id, fields[name])
        return ConnectionRow(**fields, is_encrypted=is_encrypted)

    def open_connection(self, row: ConnectionRow) -> Connection:
        """Make the connection of a row.

        Raises:
            SecretsDenied: no key fits.
        """
        fields = attrs.asdict(row, filter=attrs.filters.exclude(attrs.fields(ConnectionRow).is_encrypted))
        for name in _SEALED if row.is_encrypted else ():
            fields[name] = fields[name] and self._decrypt(row.conn_id, fields[name])
        return Connection(**fields)

    def seal_variable(self, key: str, value: str, description: str | None) -> VariableRow:
        """Make the row of a variable.

        Raises:
            SettingsError: it is a secret, and there is no key.
        """
        is_encrypted = self._must_encrypt(variable_secrets(key, value))
        stored = self._encrypt(key, value) if is_encrypted else value
        return VariableRow(key, stored, description, is_encrypted)

    def open_variable(self, row: VariableRow) -> str:
        """Tell the value in a row.

        Raises:
            SecretsDenied: no key fits.
        """
        return self._decrypt(row.key, row.value) if row.is_encrypted else row.value

    def reseal_connection(self, row: ConnectionRow) -> ConnectionRow:
        """Encrypt a row anew, with the first key."""
        return self.seal_connection(self.open_connection(row))

    def reseal_variable(self, row: VariableRow) -> VariableRow:
        """Encrypt a row anew, with the first key."""
        return self.seal_variable(row.key, self.open_variable(row), row.description)

    def _must_encrypt(self, secrets: Iterator[str]) -> bool:
        return self.encryption.has_keys or next(secrets, None) is not None

    def _encrypt(self, name: str, text: str) -> str:
        try:
            return self.encryption.encrypt(text)
        except SettingsError as error:
            raise SettingsError(f"{name!r} cannot be stored: {error}") from None

    def _decrypt(self, name: str, token: str) -> str:
        try:
            return self.encryption.decrypt(token)
        except WrongKey:
            raise SecretsDenied(
                BACKEND, name, "no key in fernet_key decrypts it; add the key that it was stored with"
            ) from None
        except SettingsError as error:
            raise SecretsDenied(BACKEND, name, str(error)) from None


_SEALED = ("password", "extra")
