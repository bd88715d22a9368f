"""`Variable`: texts that operators keep for tasks. Functions `get` them, coroutines `await aget`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flowcore.errors import VariableInvalid, VariableNotFound
from flowcore.sdk.current_secrets import ask, ask_from_thread

_MISSING: Any = object()


class Variable:
    """Reads and writes variables; it is never made.

    Reading looks into the operator's secrets backend, then into the environment (`FLOWCORE_VAR_…`), then
    into the metadata database. Writing concerns the database only.

    Every method raises SecretsError when a backend fails, and UsageError when a blocking one is
    called in a coroutine.
    """

    @classmethod
    def get(cls, key: str, default: Any = _MISSING, deserialize_json: bool = False) -> Any:
        """The text of a variable, or with `deserialize_json` the value that it is the JSON of.

        Raises:
            VariableNotFound: there is none, and no `default` is given.
            VariableInvalid: it is no JSON.
        """
        try:
            text = ask_from_thread(lambda source: source.variable(key), face="Variable.get")
        except VariableNotFound:
            if default is _MISSING:
                raise
            return default
        return _value(key, text, deserialize_json)

    @classmethod
    async def aget(cls, key: str, default: Any = _MISSING, deserialize_json: bool = False) -> Any:
        """The same as `get` for coroutines."""
        try:
            text = await ask(lambda source: source.variable(key))
        except VariableNotFound:
            if default is _MISSING:
                raise
            return default
        return _value(key, text, deserialize_json)

    @classmethod
    def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        """Write a variable over what is there; `serialize_json` writes the JSON of `value`."""
        text = _text(key, value, serialize_json)
        ask_from_thread(lambda source: source.set_variable(key, text, description), face="Variable.set")

    @classmethod
    async def aset(
        cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False
    ) -> None:
        """The same as `set` for coroutines."""
        text = _text(key, value, serialize_json)
        await ask(lambda source: source.set_variable(key, text, description))

    @classmethod
    def delete(cls, key: str) -> None:
        """Delete a variable.

        Raises:
            VariableNotFound: the database has none.
        """
        ask_from_thread(lambda source: source.delete_variable(key), face="Variable.delete")

    @classmethod
    async def adelete(cls, key: str) -> None:
        """The same as `delete` for coroutines."""
        await ask(lambda source: source.delete_variable(key))

    @classmethod
    def keys(cls, prefix: str | None = None) -> Sequence[str]:
        """The keys in the database that begin with `prefix`, sorted."""
        return ask_from_thread(lambda source: source.variable_keys(prefix or ""), face="Variable.keys")

    @classmethod
    async def akeys(cls, prefix: str | None = None) -> Sequence[str]:
        """The same as `keys` for coroutines."""
        return await ask(lambda source: source.variable_keys(prefix or ""))


def _value(key: str, text: str, deserialize_json: bool) -> Any:
    if not deserialize_json:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise VariableInvalid(f"variable {key!r} is no JSON; mend it, or read it as a text") from None


def _text(key: str, value: Any, serialize_json: bool) -> str:
    if not serialize_json:
        return str(value)
    try:
        return json.dumps(value, indent=2, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise VariableInvalid(
            f"variable {key!r} cannot be written: a {type(value).__name__} has no JSON; convert it first"
        ) from None
