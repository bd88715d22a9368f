"""`TaskGroup`: tasks under a common prefix that can be joined and configured together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowcore.errors import DagError
from flowcore.sdk import nesting
from flowcore.sdk.ids import check_group_id, unique_id
from flowcore.sdk.nodes import Node
from flowcore.sdk.operators import BaseOperator

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG


class TaskGroup(Node):
    """Use it as a context manager: what is defined inside belongs to it.

    Args:
        group_id: Letters, digits, `_` and `-`; unique among the groups and tasks around it.
        prefix_group_id: Whether the ids of its tasks start with its own: `group.task`.
        parent_group: The group around it; by default the one being filled.
        dag: Its Dag, when no Dag or group is being filled.
        default_args: Defaults for the arguments of its tasks; stronger than those around it.
        tooltip: What it is for, for people.
        add_suffix_on_collision: Append `__1`, `__2`, ... to a `group_id` that is taken.

    Raises:
        DagError: The id is malformed or taken, or there is no Dag around.
    """

    def __init__(
        self,
        group_id: str,
        *,
        prefix_group_id: bool = True,
        parent_group: TaskGroup | None = None,
        dag: DAG | None = None,
        default_args: Mapping[str, Any] | None = None,
        tooltip: str = "",
        add_suffix_on_collision: bool = False,
    ) -> None:
        check_group_id(group_id)
        parent = nesting.surrounding_group(dag, parent_group)
        if parent is None:
            raise DagError(f"TaskGroup {group_id!r} is outside a Dag; put it inside `with DAG(...):`")
        self._prefixes = prefix_group_id
        self._begin(parent.dag, {**parent.default_args, **(default_args or {})})
        self.tooltip = tooltip
        self.group_id = parent.child_id(group_id)
        if add_suffix_on_collision:
            self.group_id = unique_id(self.group_id, self.dag.taken_ids)
        self.dag.take_id(self.group_id)
        parent.members.append(self)

    @classmethod
    def root_of(cls, dag: DAG) -> TaskGroup:
        """The nameless group that holds everything in `dag`."""
        # It has no id to check and no group around it, so `__init__` is not for it.
        root = cls.__new__(cls)
        root._begin(dag, dag.default_args)
        root.group_id, root.tooltip, root._prefixes = "", "", False
        return root

    def _begin(self, dag: DAG, default_args: Mapping[str, Any]) -> None:
        self.dag, self.default_args = dag, default_args
        self.members: list[BaseOperator | TaskGroup] = []

    def __enter__(self) -> TaskGroup:
        nesting.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        nesting.leave()

    def __repr__(self) -> str:
        return f"<TaskGroup {self.group_id} of {self.dag.dag_id}>"

    def child_id(self, name: str) -> str:
        """The id of a member that its author calls `name`."""
        return f"{self.group_id}.{name}" if self._prefixes else name

    def add(self, task: BaseOperator) -> None:
        """Put a task that has no Dag yet into this group and its Dag.

        Raises:
            DuplicateTaskId: The Dag has a task or group of that id.
        """
        self.dag.take_id(task.task_id)
        task.dag = self.dag
        self.dag.task_dict[task.task_id] = task
        self.members.append(task)

    def tasks(self) -> Iterator[BaseOperator]:
        """Its tasks and those of the groups inside, in order of definition."""
        for member in self.members:
            if isinstance(member, BaseOperator):
                yield member
            else:
                yield from member.tasks()

    @property
    def roots(self) -> Sequence[BaseOperator]:
        inside = {task.task_id for task in self.tasks()}
        return [task for task in self.tasks() if inside.isdisjoint(task.upstream_task_ids)]

    @property
    def leaves(self) -> Sequence[BaseOperator]:
        inside = {task.task_id for task in self.tasks()}
        return [task for task in self.tasks() if inside.isdisjoint(task.downstream_task_ids)]
