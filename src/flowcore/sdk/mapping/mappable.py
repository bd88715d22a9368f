"""What a task knows about being mapped, itself or with a group around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowcore.sdk.mapping.expansions import Expansion
    from flowcore.sdk.mapping.mapped_operators import OperatorPartial
    from flowcore.sdk.operators import BaseOperator
    from flowcore.sdk.task_groups import TaskGroup


class Mappable:
    """Base of `BaseOperator`."""

    task_group: TaskGroup | None
    #: What it is mapped over itself.
    expansion: Expansion | None = None
    map_index_template: str | None = None
    #: Whether others are mapped over what it returns.
    is_mapped_over: bool = False

    @property
    def mapping(self) -> Expansion | None:
        """What it, or a group around it, is mapped over."""
        return self.expansion or (self.task_group.mapping if self.task_group else None)

    def unmapped(self, element: Mapping[str, Any]) -> BaseOperator:
        """The task with the arguments of one instance, where it is mapped itself."""
        raise NotImplementedError

    @classmethod
    def partial(cls, task_id: str, **arguments: Any) -> OperatorPartial:
        """A task with these arguments that will be mapped over others: `.partial(...).expand(...)`.

        Raises:
            DagError: The class has no such argument.
        """
        # Imported here because it derives from this class, and most Dag files map no operators.
        from flowcore.sdk.mapping.mapped_operators import partial_of

        return partial_of(cls, {"task_id": task_id, **arguments})
