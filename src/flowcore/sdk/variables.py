"""`Variable`: texts that operators keep for tasks. Functions `get` them, coroutines `await aget`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flowcore.domain.sensitive_names import variable_secrets
from flowcore.errors import VariableInvalid, VariableNotFound
from flowcore.sdk.comms.messages import DeleteVariable, GetVariable, ListVariableKeys, SetVariable
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.secrets.masking import PROCESS

_MISSING: Any = object()


def _get(key: str, default: Any = _MISSING, deserialize_json: bool = False) -> Question[Any]:
    """The text of a variable, or with `deserialize_json` the value that it is the JSON of.

    Raises:
        VariableNotFound: there is none, and no `default` is given.
        VariableInvalid: it is no JSON.
    """
    try:
        text = (yield from ask(GetVariable(key))).value
    except VariableNotFound:
        if default is _MISSING:
            raise
        return default
    PROCESS.add(variable_secrets(key, text))
    return _value(key, text, deserialize_json)


def _set(
    key: str, value: Any, description: str | None = None, serialize_json: bool = False
) -> Question[None]:
    """Write a variable over what is there; `serialize_json` writes the JSON of `value`."""
    text = _text(key, value, serialize_json)
    PROCESS.add(variable_secrets(key, text))
    yield from ask(SetVariable(key, text, description))


def _delete(key: str) -> Question[None]:
    """Delete a variable.

    Raises:
        VariableNotFound: the database has none.
    """
    yield from ask(DeleteVariable(key))


def _keys(prefix: str | None = None) -> Question[Sequence[str]]:
    """The keys in the database that begin with `prefix`, sorted."""
    return (yield from ask(ListVariableKeys(prefix or ""))).keys


class Variable:
    """Reads and writes variables; it is never made.

    Reading looks into the operator's secrets backend, then into the environment (`FLOWCORE_VAR_…`), then
    into the metadata database. Writing concerns the database only. The names with an `a` in front are for
    coroutines.

    Every method raises SecretsError when a backend fails. In a task that runs inside of the process of the
    scheduler, a blocking one raises UsageError when it is called in a coroutine.
    """

    get = staticmethod(blocking(_get, face="Variable.get"))
    aget = staticmethod(awaiting(_get))
    set = staticmethod(blocking(_set, face="Variable.set"))
    aset = staticmethod(awaiting(_set))
    delete = staticmethod(blocking(_delete, face="Variable.delete"))
    adelete = staticmethod(awaiting(_delete))
    keys = staticmethod(blocking(_keys, face="Variable.keys"))
    akeys = staticmethod(awaiting(_keys))


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
