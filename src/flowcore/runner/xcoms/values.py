"""`XComValues`: XComs as texts and back, those included that JSON has no word for.

A time, a set, a decimal number or an object of a class becomes a JSON object that names its class, in the
form that Airflow writes: `{"__classname__": "decimal.Decimal", "__version__": 1, "__data__": "1.10"}`. Only
what `known_values.py` lists, and classes that the operator has allowed, come back to life: nobody gets
another one made by what they push.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

from flowcore.runner.xcoms.known_values import KNOWN, known
from flowcore.runner.xcoms.object_values import dump_object, load_object
from flowcore.sdk.exceptions import XComUnreadable
from flowcore.sdk.mapping.lazy_sequences import LazySequence

_CLASS, _VERSION, _DATA = "__classname__", "__version__", "__data__"
#: How the key of an object that stands for another looks in a text.
_MARK = f'"{_CLASS}": '
#: Classes of flowcore's that tasks hand on.
_OWN = ("flowcore.domain.assets.Asset", "flowcore.sdk.object_storage.ObjectStoragePath")


class XComValues:
    """How values become texts and the other way round.

    Args:
        allowed: Patterns of dotted names, separated by blanks or commas, of the classes whose objects are
            handed on: `shop.models.*`. They are attrs classes, dataclasses, models of pydantic, or have
            `serialize` and `deserialize` as Airflow wants them.
    """

    def __init__(self, allowed: str = "") -> None:
        self._allowed = (*_OWN, *allowed.replace(",", " ").split())

    def dumps(self, value: Any) -> str:
        """The JSON text of a value.

        Raises:
            TypeError, ValueError, RecursionError: it cannot be written; the message says why.
        """
        marks = 0

        def default(other: Any) -> Any:
            nonlocal marks
            if isinstance(other, LazySequence):
                return list(other)
            if (plain := _plain_number(other)) is not None:
                return plain
            marks += 1
            return self._dumped(other)

        # NaN and infinity are no JSON: no database and no other language would read them.
        text = json.dumps(value, allow_nan=False, default=default)
        if text.count(_MARK) != marks:
            raise ValueError(f"the key {_CLASS!r} is flowcore's own; use another one")
        return text

    def loads(self, text: str) -> Any:
        """The value that `dumps` made the text of.

        Raises:
            XComUnreadable: it is of a class that is not allowed here, or cannot be imported or made.
        """
        if _MARK not in text:
            return json.loads(text)
        return json.loads(text, object_hook=self._revived)

    def _dumped(self, value: Any) -> dict[str, Any]:
        if (kind := known(value)) is not None:
            return {_CLASS: kind.name, _VERSION: 1, _DATA: kind.dump(value)}
        cls = type(value)
        name = f"{cls.__module__}.{cls.__qualname__}"
        data = dump_object(value)
        if not self._is_allowed(name):
            raise TypeError(
                f"objects of {name} are handed on only if the operator's allowed_deserialization_classes"
                " names it"
            )
        if _find(name) is not cls:
            raise TypeError(f"{name} cannot be imported by others; move it to the top level of a module")
        return {_CLASS: name, _VERSION: getattr(cls, "__version__", 1), _DATA: data}

    def _revived(self, found: dict[str, Any]) -> Any:
        name = found.get(_CLASS)
        if name is None:
            return found
        try:
            if name in KNOWN:
                return KNOWN[name].load(found[_DATA])
            if not self._is_allowed(name):
                raise TypeError("allowed_deserialization_classes does not name it")
            return load_object(_find(name), found[_DATA], found.get(_VERSION, 1))
        except Exception as error:
            raise XComUnreadable(str(name), error) from error

    def _is_allowed(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._allowed)


#: Without classes of the operator's.
PLAIN_VALUES = XComValues()


def _find(name: str) -> Any:
    """What others get who import the name; None if there is no such thing."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(import_module(module), attribute, None)
    except ImportError:
        return None


def _plain_number(value: Any) -> Any:
    """The number that one of numpy's stands for; None if it is none."""
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()
    return value.item() if is_scalar else None
