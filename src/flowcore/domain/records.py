"""Frozen values as JSON objects and back, by the types of their fields.

Fields that have their default are left out. What comes back is checked: a value of the wrong type
is a `TypeError`, one that is out of range or a field that the class does not have a `ValueError`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import attrs

_T = TypeVar("_T", bound=attrs.AttrsInstance)
_Decode = Callable[[Any], Any]
#: Classes contain each other, and some themselves.
_learned: set[type[attrs.AttrsInstance]] = set()


def dump_record(value: attrs.AttrsInstance, *, without: Collection[str] = ()) -> dict[str, Any]:
    """The fields that differ from their defaults, except for those in `without`."""
    dumped = {}
    for name, default in _defaults(type(value)).items():
        item = getattr(value, name)
        if name not in without and item != default:
            dumped[name] = _encode(item)
    return dumped


def load_record(cls: type[_T], body: Any, **others: Any) -> _T:
    """The value of that class that `dump_record` made `body` of; `others` are fields it left out."""
    decoders = _decoders(cls)
    fields = _of_type(dict)(body)
    if unknown := fields.keys() - (decoders.keys() - others.keys()):
        raise ValueError(f"unknown fields of a {cls.__name__}: {sorted(unknown)}")
    return cls(**others, **{name: decoders[name](value) for name, value in fields.items()})


def learn_record(cls: type[attrs.AttrsInstance]) -> None:
    """Find out now how to dump and load values of a class, which otherwise their first use does."""
    if cls in _learned:
        return
    _learned.add(cls)
    _defaults(cls)
    _decoders(cls)
    for field in attrs.fields(cls):
        for kind in (field.type, *get_args(field.type)):
            if attrs.has(kind):
                learn_record(kind)


@cache
def _defaults(cls: type[attrs.AttrsInstance]) -> Mapping[str, Any]:
    """The fields of a class with their defaults; `attrs.NOTHING`, which equals no value, if there is none."""
    return {field.name: _default(field) for field in attrs.fields(cls)}


def _default(field: attrs.Attribute[Any]) -> Any:
    # `attrs.Factory` is a function to the type checker, hence the class behind it is not named here.
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()


def _encode(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case tuple():
            return [_encode(item) for item in value]
        case Mapping():
            return dict(value)
    return dump_record(value) if attrs.has(type(value)) else value


@cache
def _decoders(cls: type[attrs.AttrsInstance]) -> Mapping[str, _Decode]:
    attrs.resolve_types(cls)
    return {field.name: _decoder(field.type) for field in attrs.fields(cls)}


def _decoder(kind: Any) -> _Decode:
    arguments = get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if NoneType in arguments:
        return _optional(_decoder(arguments[0]))
    if get_origin(kind) is tuple and arguments[-1] is not ...:
        return _row_of([_decoder(argument) for argument in arguments])
    if arguments:
        return _tuple_of(_decoder(arguments[0]))
    if attrs.has(kind):
        return lambda body: load_record(kind, body)
    enum: _Decode = kind
    return enum


def _of_type(*types: type) -> _Decode:
    def decode(value: Any) -> Any:
        # In Python a bool is an int; in a document it is not.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError(f"{value!r} is not of type {types[0].__name__}")
        return value

    return decode


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment.astimezone(UTC)


def _optional(decode: _Decode) -> _Decode:
    return lambda value: None if value is None else decode(value)


def _tuple_of(decode: _Decode) -> _Decode:
    as_list = _of_type(list)
    return lambda value: tuple(decode(item) for item in as_list(value))


def _row_of(decoders: Sequence[_Decode]) -> _Decode:
    as_list = _of_type(list)
    return lambda value: tuple(decode(item) for decode, item in zip(decoders, as_list(value), strict=True))


def _texts(value: Any) -> Mapping[str, str]:
    as_text = _of_type(str)
    return {key: as_text(text) for key, text in _of_type(dict)(value).items()}


_PLAIN: Mapping[Any, _Decode] = {
    str: _of_type(str),
    bool: _of_type(bool),
    int: _of_type(int),
    float: _of_type(float, int),
    datetime: _time,
    Mapping[str, Any]: _of_type(dict),
    Mapping[str, str]: _texts,
}
