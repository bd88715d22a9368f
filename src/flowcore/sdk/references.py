"""Values that exist only while a run is under way, found inside of arguments and replaced in them.

`XComArg` (a task's output) and `DagParam` (a param of the run) are such references. They are looked for
in lists, tuples, sets and dicts (also nested), nowhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

XComKey = tuple[str, int, str]
"""Task id, map index (-1 when the task is not mapped) and key of an XCom of the same run."""


@attrs.frozen
class Lookup:
    """What references are replaced from: the XComs that were found and the params of the run.

    XComs are under map index -1; of a mapped task that is the sequence of what its instances pushed.
    `element` are the arguments that a group which is mapped has for the instance.
    """

    xcoms: Mapping[XComKey, Any]
    params: Mapping[str, Any]
    element: Mapping[str, Any] = attrs.field(factory=dict)


class Reference(ABC):
    """Stands in a Dag file for a value of a run."""

    @property
    def outputs(self) -> Sequence[Any]:
        """The `XComArg`s that it is made of."""
        return ()

    @abstractmethod
    def resolve(self, lookup: Lookup) -> Any:
        """The value in the run that `lookup` is of."""


def references_in(value: object) -> Iterator[Reference]:
    """Every reference inside `value`, in order of appearance."""
    match value:
        case Reference():
            yield value
        case dict():
            for item in (*value.keys(), *value.values()):
                yield from references_in(item)
        case list() | tuple() | set() | frozenset():
            for item in value:
                yield from references_in(item)


def resolved(value: Any, lookup: Lookup) -> Any:
    """A copy of `value` with every reference replaced; containers without one are kept as they are."""
    if isinstance(value, Reference):
        return value.resolve(lookup)
    if not isinstance(value, dict | list | tuple | set | frozenset) or not any(references_in(value)):
        return value
    if isinstance(value, dict):
        return {resolved(key, lookup): resolved(item, lookup) for key, item in value.items()}
    items = [resolved(item, lookup) for item in value]
    # A named tuple takes its fields one by one.
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
