"""Outputs of tasks as arguments of others: `XComArg`, and what `map`, `zip` and `concat` make of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.errors import DagError
from flowcore.sdk.exceptions import XComNotFound
from flowcore.sdk.mapping.lazy_sequences import EachChanged, OneAfterOther, SideBySide
from flowcore.sdk.references import Lookup, Reference, XComKey
from flowcore.sdk.setups import TaskNode

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

RETURN_VALUE = "return_value"

#: The positions of tasks in their Dag.
Positions = Callable[["BaseOperator"], int]


class Output(TaskNode, Reference):
    """Something made of what tasks will have pushed. It can stand on either side of `>>` for these tasks."""

    @abstractmethod
    def length(self, position_of: Positions) -> Length:
        """How many elements it has for those that are mapped over it."""

    @abstractmethod
    def elements(self, lookup: Lookup) -> Sequence[Any]:
        """What others are mapped over.

        Raises:
            DagError: It is nothing that can be mapped over.
        """

    def map(self, function: Any) -> Output:
        """What `function` makes of each element, when the task that is mapped over it runs.

        An element for which the function raises `AirflowSkipException` skips its task instance.

        Raises:
            DagError: It is no function, or a task.
        """
        if not callable(function) or hasattr(function, "expand"):
            raise DagError(f"map() of {self!r} was given {function!r}; give it a plain function, not a task")
        return ChangedOutput(self, function)

    def zip(self, *others: Output, fillvalue: Any = attrs.NOTHING) -> Output:
        """Tuples of the elements at the same place: as far as all outputs go.

        With `fillvalue` as far as any goes; that stands for what is missing.

        Raises:
            DagError: One of the others is no output of a task.
        """
        fill = () if fillvalue is attrs.NOTHING else (fillvalue,)
        return ZippedOutput(self._with(others, "zip"), fill)

    def concat(self, *others: Output) -> Output:
        """The elements of all outputs, one after the other.

        Raises:
            DagError: One of the others is no output of a task.
        """
        return JoinedOutput(self._with(others, "concat"))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"{self!r} is not known while the Dag file is read and cannot be iterated over; hand it to a task"
            " and loop there, or map a task over it with .expand()"
        )

    @property
    def roots(self) -> Sequence[BaseOperator]:
        return list(dict.fromkeys(output.operator for output in self.outputs))

    @property
    def leaves(self) -> Sequence[BaseOperator]:
        return self.roots

    def _with(self, others: tuple[Output, ...], method: str) -> tuple[Output, ...]:
        for other in others:
            if not isinstance(other, Output):
                raise DagError(f"{method}() of {self!r} was given {other!r}; give it outputs of tasks")
        return (self, *others)


class XComArg(Output):
    """What a task will have pushed, to be handed to another task, which then waits for it.

    `out["key"]` is another XCom of the same task (`multiple_outputs`, or `ti.xcom_push`). Of a mapped task it
    is the sequence of what its instances pushed, in their order.
    """

    def __init__(self, operator: BaseOperator, key: str = RETURN_VALUE) -> None:
        self.operator, self.key = operator, key

    def __getitem__(self, key: str) -> XComArg:
        if not isinstance(key, str):
            raise TypeError(
                f"an output has keys that are strings, not {key!r}; take a list apart inside the next task"
            )
        return XComArg(self.operator, key)

    def __repr__(self) -> str:
        key = "" if self.key == RETURN_VALUE else f"[{self.key!r}]"
        return f"<output of {self.operator.task_id}{key}>"

    @property
    def outputs(self) -> Sequence[XComArg]:
        return [self]

    @property
    def xcom_key(self) -> XComKey:
        """Under which its value is in a `Lookup`."""
        return self.operator.task_id, -1, self.key

    def resolve(self, lookup: Lookup) -> Any:
        """The pushed value; None when the task ended without a return value.

        Raises:
            XComNotFound: The task pushed no such key.
        """
        if self.xcom_key in lookup.xcoms or self.key == RETURN_VALUE:
            return lookup.xcoms.get(self.xcom_key)
        raise XComNotFound(self.operator.task_id, self.key)

    def length(self, position_of: Positions) -> Length:
        return Length(LengthKind.OUTPUT, source=position_of(self.operator))

    def elements(self, lookup: Lookup) -> Sequence[Any]:
        value = self.resolve(lookup)
        if isinstance(value, Mapping):
            return list(value.items())
        if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
            return value
        raise DagError(
            f"task {self.operator.task_id!r} pushed {type(value).__name__}, which cannot be mapped over;"
            " return a list or a dict there"
        )


class _Derived(Output):
    """What is made of the elements of others."""

    def __init__(self, parts: Sequence[Output]) -> None:
        self._parts = parts

    @property
    def outputs(self) -> Sequence[XComArg]:
        return [output for part in self._parts for output in part.outputs]

    def resolve(self, lookup: Lookup) -> Any:
        return self.elements(lookup)


class ChangedOutput(_Derived):
    """`map`."""

    def __init__(self, output: Output, function: Callable[[Any], Any]) -> None:
        super().__init__([output])
        self._function = function

    def __repr__(self) -> str:
        return f"{self._parts[0]!r}.map()"

    def length(self, position_of: Positions) -> Length:
        return self._parts[0].length(position_of)

    def elements(self, lookup: Lookup) -> Sequence[Any]:
        return EachChanged(self._parts[0].elements(lookup), self._function)


class ZippedOutput(_Derived):
    """`zip`."""

    def __init__(self, parts: Sequence[Output], fill: tuple[Any, ...]) -> None:
        super().__init__(parts)
        self._fill = fill

    def __repr__(self) -> str:
        return f"{self._parts[0]!r}.zip()"

    def length(self, position_of: Positions) -> Length:
        kind = LengthKind.LONGEST if self._fill else LengthKind.SHORTEST
        return Length(kind, parts=tuple(part.length(position_of) for part in self._parts))

    def elements(self, lookup: Lookup) -> Sequence[Any]:
        return SideBySide([part.elements(lookup) for part in self._parts], self._fill)


class JoinedOutput(_Derived):
    """`concat`."""

    def __repr__(self) -> str:
        return f"{self._parts[0]!r}.concat()"

    def length(self, position_of: Positions) -> Length:
        return Length(LengthKind.SUM, parts=tuple(part.length(position_of) for part in self._parts))

    def elements(self, lookup: Lookup) -> Sequence[Any]:
        return OneAfterOther([part.elements(lookup) for part in self._parts])
