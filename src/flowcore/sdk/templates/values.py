"""Walks through the value of a template field: the strings in it, and a copy with these rendered.

Keys of dicts are no templates, as in Airflow. A container in which nothing is replaced is kept, not copied.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from flowcore.sdk.references import Lookup, Reference, resolved

_CONTAINERS = (list, tuple, set, frozenset)


def texts_in(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every string that might be a template, with its place, such as `op_kwargs['day']`."""
    yield from _texts_in(value, path, frozenset())


def _texts_in(value: object, path: str, inside: frozenset[int]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value, path
        return
    if isinstance(value, Reference) or id(value) in inside:
        return
    # Objects may refer to each other in circles.
    for item, place in _parts(value, path):
        yield from _texts_in(item, place, inside | {id(value)})


def _parts(value: object, path: str) -> Iterator[tuple[Any, str]]:
    if isinstance(value, dict):
        yield from ((item, f"{path}[{key!r}]") for key, item in value.items())
    elif isinstance(value, _CONTAINERS):
        yield from ((item, f"{path}[{number}]") for number, item in enumerate(value))
    else:
        yield from ((getattr(value, name), f"{path}.{name}") for name in nested_fields(value))


def nested_fields(value: object) -> Sequence[str]:
    """The template fields of an object that is no operator; none for most objects."""
    # A class among the arguments is no object with fields, and a mock would have any attribute.
    fields = getattr(type(value), "template_fields", ())
    return fields if isinstance(fields, list | tuple) else ()


@attrs.frozen
class Renderer:
    """Makes the values of one try.

    `render` is called with a string and its place, and returns what becomes of it.
    """

    render: Callable[[str, str], Any]
    lookup: Lookup

    def value(self, value: Any, path: str) -> Any:
        """A copy of `value` with its templates rendered and its references replaced."""
        return self._replaced(value, path, {})

    def _replaced(self, value: Any, path: str, copies: dict[int, Any]) -> Any:
        if isinstance(value, str):
            return self.render(value, path)
        if isinstance(value, Reference):
            return value.resolve(self.lookup)
        if isinstance(value, dict):
            return self._replaced_dict(value, path, copies)
        if isinstance(value, _CONTAINERS):
            return self._replaced_items(value, path, copies)
        return self._replaced_object(value, path, copies) if nested_fields(value) else value

    def _replaced_dict(
        self, value: Mapping[Any, Any], path: str, copies: dict[int, Any]
    ) -> Mapping[Any, Any]:
        new = {
            resolved(key, self.lookup): self._replaced(item, f"{path}[{key!r}]", copies)
            for key, item in value.items()
        }
        return value if _same(value.values(), new.values()) and _same(value, new) else new

    def _replaced_items(self, value: Any, path: str, copies: dict[int, Any]) -> Any:
        new = [self._replaced(item, f"{path}[{number}]", copies) for number, item in enumerate(value)]
        if _same(value, new):
            return value
        # A named tuple takes its fields one by one.
        return type(value)(*new) if hasattr(value, "_fields") else type(value)(new)

    def _replaced_object(self, value: Any, path: str, copies: dict[int, Any]) -> Any:
        # Tries of several runs share the object. One that is met again is the same copy again.
        if id(value) not in copies:
            copies[id(value)] = copied = copy.copy(value)
            for name in nested_fields(value):
                setattr(copied, name, self._replaced(getattr(value, name), f"{path}.{name}", copies))
        return copies[id(value)]


def _same(old: Any, new: Any) -> bool:
    return len(old) == len(new) and all(before is after for before, after in zip(old, new, strict=True))
