"""Fernet: how secrets are kept in the metadata database.

The first of several keys encrypts and all of them decrypt, so that a key can be replaced: put the new
one in front, run `flowcore rotate-fernet-key`, remove the old one.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from flowcore.errors import SettingsError

_NEW_KEY = (
    "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())' makes one"
)


class WrongKey(Exception):
    """None of the keys decrypts a token."""


class Encryption:
    """Encrypts texts with the first of `keys` and decrypts them with any.

    Raises:
        SettingsError: a key is malformed, or the package `cryptography` is missing.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = _make(keys) if keys else None

    @classmethod
    def from_setting(cls, fernet_key: str) -> Encryption:
        """Make it from keys that are separated by commas; none is allowed as long as none is needed."""
        return cls([key.strip() for key in fernet_key.split(",") if key.strip()])

    @property
    def has_keys(self) -> bool:
        """Whether anything can be encrypted."""
        return self._fernet is not None

    def encrypt(self, text: str) -> str:
        """The token that hides `text`.

        Raises:
            SettingsError: there is no key.
        """
        return str(self._needed().encrypt(text.encode()).decode())

    def decrypt(self, token: str) -> str:
        """The text in a token.

        Raises:
            WrongKey: no key fits.
            SettingsError: there is no key.
        """
        fernet = self._needed()
        try:
            return str(fernet.decrypt(token.encode()).decode())
        except _fernet_module().InvalidToken:
            raise WrongKey from None

    def _needed(self) -> Any:
        if self._fernet is None:
            raise SettingsError(
                f"secrets are kept encrypted, and there is no key; set FLOWCORE_FERNET_KEY ({_NEW_KEY})"
            )
        return self._fernet


def _make(keys: Sequence[str]) -> Any:
    module = _fernet_module()
    try:
        return module.MultiFernet([module.Fernet(key) for key in keys])
    except ValueError:
        raise SettingsError(
            f"fernet_key holds a malformed key; keys are separated by commas, and {_NEW_KEY}"
        ) from None


def _fernet_module() -> Any:
    # Imported on demand: the package is an extra, which who keeps no secrets need not install.
    try:
        return importlib.import_module("cryptography.fernet")
    except ImportError as error:
        raise SettingsError(
            "secrets are kept encrypted, and the package for that is missing; "
            "run `pip install 'flowcore[secrets]'`"
        ) from error
