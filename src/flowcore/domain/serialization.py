"""Dags as versioned JSON documents: `{"version": 1, "dag": {...}}`.

Fields that have their default are left out, and so is what follows from the rest: a task's position
is its place in the list, and its downstreams are the tasks that name it as upstream. A new optional
field of `Dag` or `Task` needs no new version as long as its default means what its absence meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, get_args

import attrs

from flowcore.domain.dags import Dag, Task
from flowcore.domain.retries import RetryRule
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.errors import DagError

VERSION = 1

_DERIVED = frozenset({"position", "downstream", "tasks"})
_T = TypeVar("_T", bound=attrs.AttrsInstance)
_Decode = Callable[[Any], Any]


def dump_dag(dag: Dag) -> dict[str, Any]:
    """The document of a Dag; `load_dag` makes an equal Dag of it.

    The params and the timetable of the Dag must consist of JSON values.
    """
    body = _dump(dag)
    body["tasks"] = [_dump(task) for task in dag.tasks]
    return {"version": VERSION, "dag": body}


def load_dag(document: Mapping[str, Any]) -> Dag:
    """The Dag of a document.

    Raises:
        DagError: The document has another version or is malformed.
    """
    version = document.get("version")
    if version != VERSION:
        raise DagError(
            f"a stored Dag has version {version!r} and this flowcore reads version {VERSION};"
            " register the Dag again with this flowcore, or upgrade flowcore"
        )
    try:
        body = dict(document["dag"])
        tasks = _load_tasks(body.pop("tasks"))
        return _load(Dag, body, tasks=tasks)
    except (KeyError, TypeError, ValueError) as error:
        raise DagError(f"a stored Dag is malformed: {error!r}; register the Dag again") from error


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the document; documents with equal content have equal hashes."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _dump(value: attrs.AttrsInstance) -> dict[str, Any]:
    dumped = {}
    for name, default in _defaults(type(value)).items():
        item = getattr(value, name)
        if item != default:
            dumped[name] = _encode(item)
    return dumped


@cache
def _defaults(cls: type[attrs.AttrsInstance]) -> Mapping[str, Any]:
    """The fields of a class that are written, with their defaults (`attrs.NOTHING` if there is none)."""
    return {field.name: _default(field) for field in attrs.fields(cls) if field.name not in _DERIVED}


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
            return list(value)
        case RetryRule():
            return _dump(value)
        case Mapping():
            return dict(value)
    return value


def _load_tasks(documents: Any) -> tuple[Task, ...]:
    bodies = _of_type(list)(documents)
    tasks = [_load(Task, body, position=position) for position, body in enumerate(bodies)]
    downstream: list[list[int]] = [[] for _ in tasks]
    for task in tasks:
        for upstream in task.upstream:
            if not 0 <= upstream < len(tasks):
                raise ValueError(f"task {task.task_id!r} has an upstream at position {upstream}")
            downstream[upstream].append(task.position)
    return tuple(attrs.evolve(task, downstream=tuple(downstream[task.position])) for task in tasks)


def _load(cls: type[_T], body: Any, **derived: Any) -> _T:
    decoders = _decoders(cls)
    fields = _of_type(dict)(body)
    if unknown := fields.keys() - decoders.keys():
        raise ValueError(f"unknown fields of a {cls.__name__}: {sorted(unknown)}")
    return cls(**derived, **{name: decoders[name](value) for name, value in fields.items()})


@cache
def _decoders(cls: type[attrs.AttrsInstance]) -> Mapping[str, _Decode]:
    attrs.resolve_types(cls)
    return {field.name: _decoder(field.type) for field in attrs.fields(cls) if field.name not in _DERIVED}


def _decoder(kind: Any) -> _Decode:
    arguments = get_args(kind)
    if NoneType in arguments:
        return _optional(_SCALARS[arguments[0]])
    if kind in _SCALARS:
        return _SCALARS[kind]
    return _tuple_of(_SCALARS[arguments[0]])


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


_SCALARS: Mapping[Any, _Decode] = {
    str: _of_type(str),
    bool: _of_type(bool),
    int: _of_type(int),
    float: _of_type(float, int),
    datetime: _time,
    TriggerRule: TriggerRule,
    RetryRule: lambda body: _load(RetryRule, body),
    Mapping[str, Any]: _of_type(dict),
}
