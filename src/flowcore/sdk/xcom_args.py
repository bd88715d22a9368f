"""`XComArg`: the output of a task as an argument of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flowcore.sdk.exceptions import XComNotFound
from flowcore.sdk.references import Lookup, Reference, XComKey
from flowcore.sdk.setups import TaskNode

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator

RETURN_VALUE = "return_value"


class XComArg(TaskNode, Reference):
    """What a task will have pushed, to be handed to another task, which then waits for it.

    `out["key"]` is another XCom of the same task (`multiple_outputs`, or `ti.xcom_push`). It can also
    stand on either side of `>>` in place of its task.
    """

    def __init__(self, operator: BaseOperator, key: str = RETURN_VALUE) -> None:
        self.operator, self.key = operator, key

    def __getitem__(self, key: str) -> XComArg:
        if not isinstance(key, str):
            raise TypeError(
                f"an output has keys that are strings, not {key!r}; take a list apart inside the next task"
            )
        return XComArg(self.operator, key)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"the output of {self.operator.task_id!r} is not known while the Dag file is read and cannot be"
            " iterated over; hand it to a task and loop there"
        )

    def __repr__(self) -> str:
        key = "" if self.key == RETURN_VALUE else f"[{self.key!r}]"
        return f"<output of {self.operator.task_id}{key}>"

    @property
    def roots(self) -> Sequence[BaseOperator]:
        return [self.operator]

    @property
    def leaves(self) -> Sequence[BaseOperator]:
        return [self.operator]

    @property
    def xcom_key(self) -> XComKey:
        """Where the value is found in a run."""
        return self.operator.task_id, -1, self.key

    def resolve(self, lookup: Lookup) -> Any:
        """The pushed value; None when the task ended without a return value.

        Raises:
            XComNotFound: The task pushed no such key.
        """
        if self.xcom_key in lookup.xcoms or self.key == RETURN_VALUE:
            return lookup.xcoms.get(self.xcom_key)
        raise XComNotFound(self.operator.task_id, self.key)
