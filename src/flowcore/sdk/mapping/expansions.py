"""What a task or a group is mapped over, and which element of it an instance gets.

An element is a dict of arguments. What was written in the Dag file stays in it as it is, with its references
and templates; what comes out of XComs is `Known` and is not rendered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.errors import DagError
from flowcore.sdk.references import Lookup, Reference, references_in, resolved
from flowcore.sdk.xcom_args import RETURN_VALUE, Output, Positions, XComArg


class Known(Reference):
    """Stands for a value that was found already."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def resolve(self, lookup: Lookup) -> Any:
        return self.value


class MappedArgument(Reference):
    """Stands in the function of a group that is mapped for what one instance gets under a name."""

    def __init__(self, expansion: Expansion, name: str) -> None:
        self.expansion, self.name = expansion, name

    @property
    def outputs(self) -> Sequence[XComArg]:
        return [output for reference in self.expansion.references for output in reference.outputs]

    def resolve(self, lookup: Lookup) -> Any:
        """The value for the instance.

        Raises:
            DagError: The element that the instance is of has no such name.
        """
        if self.name not in lookup.element:
            raise DagError(
                f"the group is mapped over dicts, and this one has no {self.name!r}; put it in, or give it"
                " with partial()"
            )
        return resolved(lookup.element[self.name], lookup)


class Expansion(ABC):
    """How many instances there are, and the arguments of each."""

    @property
    @abstractmethod
    def values(self) -> Sequence[Any]:
        """What is mapped over: lists and dicts that were written out, and outputs of tasks."""

    @abstractmethod
    def length(self, position_of: Positions) -> Length:
        """How many instances there are."""

    @abstractmethod
    def element(self, map_index: int, lookup: Lookup) -> dict[str, Any]:
        """The arguments of an instance; runs what was given to `map()`, and may wait.

        Raises:
            DagError: There are none, for want of an element that can be one.
        """

    @property
    def sources(self) -> list[XComArg]:
        """The outputs that it depends on how many instances there are."""
        return [output for value in self.values if isinstance(value, Output) for output in value.outputs]

    @property
    def references(self) -> Iterator[Reference]:
        """Every reference in what is mapped over."""
        return references_in(list(self.values))

    @property
    def only_reads(self) -> bool:
        """Whether an element is found without waiting and without code of the author."""
        outputs = (value for value in self.values if isinstance(value, Output))
        return all(isinstance(output, XComArg) and output.operator.mapping is None for output in outputs)


class Combinations(Expansion):
    """`expand(a=..., b=...)`: every combination of elements, the last name changing fastest."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = arguments

    @property
    def values(self) -> Sequence[Any]:
        return list(self.arguments.values())

    def length(self, position_of: Positions) -> Length:
        parts = tuple(_length(value, position_of) for value in self.arguments.values())
        return parts[0] if len(parts) == 1 else Length(LengthKind.PRODUCT, parts=parts)

    def element(self, map_index: int, lookup: Lookup) -> dict[str, Any]:
        found: dict[str, Any] = {}
        rest, (first, *others) = map_index, self.arguments
        for name in reversed(others):
            elements = _elements(self.arguments[name], lookup)
            rest, index = divmod(rest, len(elements))
            found[name] = elements[index]
        # How many there are of the first need not be known, which may have to be asked.
        found[first] = _elements(self.arguments[first], lookup)[rest]
        return {name: _as_found(self.arguments[name], found[name]) for name in self.arguments}


class Dicts(Expansion):
    """`expand_kwargs(...)`: each element is a dict of arguments."""

    def __init__(self, dicts: Any) -> None:
        self.dicts = dicts

    @property
    def values(self) -> Sequence[Any]:
        return [self.dicts]

    def length(self, position_of: Positions) -> Length:
        return _length(self.dicts, position_of)

    def element(self, map_index: int, lookup: Lookup) -> dict[str, Any]:
        found = _elements(self.dicts, lookup)[map_index]
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            raise DagError(
                f"expand_kwargs() was given {type(found).__name__} as element {map_index}; make each element"
                " a dict of arguments by their names"
            )
        return {name: _as_found(self.dicts, value) for name, value in found.items()}


def combinations(subject: str, arguments: Mapping[str, Any]) -> Combinations:
    """What `expand` of `subject` (for people) is mapped over.

    Raises:
        DagError: There is nothing, or something that cannot be mapped over.
    """
    if not arguments:
        raise DagError(f"expand() of {subject} was given nothing to map over; give it a named list or output")
    for name, value in arguments.items():
        _check(f"expand({name}=...) of {subject}", value)
    return Combinations(dict(arguments))


def dicts(subject: str, value: Any) -> Dicts:
    """What `expand_kwargs` of `subject` is mapped over; raises as `combinations`."""
    _check(f"expand_kwargs() of {subject}", value)
    if isinstance(value, Mapping):
        raise DagError(f"expand_kwargs() of {subject} was given a dict; give it a list of dicts")
    for item in () if isinstance(value, Output) else value:
        if not isinstance(item, Mapping):
            raise DagError(f"expand_kwargs() of {subject} was given a list with {item!r}; put dicts into it")
    return Dicts(value)


def _check(call: str, value: Any) -> None:
    if isinstance(value, Output):
        for output in value.outputs:
            _check_source(call, output)
    elif not isinstance(value, list | tuple | dict):
        raise DagError(
            f"{call} was given {value!r}, which cannot be mapped over; give it a list, a dict or the output"
            " of a task, and put what is the same for all instances into partial()"
        )


def _check_source(call: str, output: XComArg) -> None:
    if output.key != RETURN_VALUE:
        raise DagError(
            f"{call} was given XCom {output.key!r} of task {output.operator.task_id!r}; only what a task"
            " returns can be mapped over: return it from a task of its own"
        )
    if not output.operator.do_xcom_push:
        raise DagError(
            f"{call} needs what task {output.operator.task_id!r} returns, and that has do_xcom_push=False;"
            " leave that out"
        )
    output.operator.is_mapped_over = True


def _length(value: Any, position_of: Positions) -> Length:
    if isinstance(value, Output):
        return value.length(position_of)
    return Length(LengthKind.LITERAL, number=len(value))


def _elements(value: Any, lookup: Lookup) -> Sequence[Any]:
    if isinstance(value, Output):
        return value.elements(lookup)
    return list(value.items()) if isinstance(value, Mapping) else value


def _as_found(origin: Any, value: Any) -> Any:
    return Known(value) if isinstance(origin, Output) else value
