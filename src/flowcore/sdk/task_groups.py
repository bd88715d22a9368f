"""`TaskGroup`: tasks under a common prefix that can be joined and configured together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flowcore.errors import DagError, TaskNotFound
from flowcore.sdk import nesting
from flowcore.sdk.ids import check_group_id, unique_id
from flowcore.sdk.nodes import Node
from flowcore.sdk.operators import BaseOperator

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.mapping.expansions import Expansion


class TaskGroup(Node):
    """Use it as a context manager: what is defined inside belongs to it.

    Args:
        group_id: Letters, digits, `_` and `-`; unique among the groups and tasks around it.
        prefix_group_id: Whether the ids of its tasks start with its own: `group.task`.
        parent_group: The group around it; by default the one being filled.
        dag: Its Dag, when no Dag or group is being filled.
        default_args: Defaults for the arguments of its tasks; stronger than those around it.
        tooltip: What it is for, for people.
        group_display_name: How it is called where people see it.
        ui_color, ui_fgcolor: How it is drawn.
        add_suffix_on_collision: Append `__1`, `__2`, ... to a `group_id` that is taken.

    Raises:
        DagError: The id is malformed or taken, or there is no Dag around.
    """

    parent_group: TaskGroup | None = None
    tooltip: str = ""
    group_display_name: str = ""
    ui_color: str = "CornflowerBlue"
    ui_fgcolor: str = "#000"

    def __init__(
        self,
        group_id: str,
        *,
        prefix_group_id: bool = True,
        parent_group: TaskGroup | None = None,
        dag: DAG | None = None,
        default_args: Mapping[str, Any] | None = None,
        tooltip: str = tooltip,
        group_display_name: str = group_display_name,
        ui_color: str = ui_color,
        ui_fgcolor: str = ui_fgcolor,
        add_suffix_on_collision: bool = False,
    ) -> None:
        check_group_id(group_id)
        parent = nesting.surrounding_group(dag, parent_group)
        if parent is None:
            raise DagError(f"TaskGroup {group_id!r} is outside a Dag; put it inside `with DAG(...):`")
        self._prefixes = prefix_group_id
        self._begin(parent.dag, {**parent.default_args, **(default_args or {})})
        self.tooltip, self.group_display_name = tooltip, group_display_name
        self.ui_color, self.ui_fgcolor = ui_color, ui_fgcolor
        self.parent_group = parent
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
        root.group_id, root._prefixes = "", False
        return root

    def _begin(self, dag: DAG, default_args: Mapping[str, Any]) -> None:
        self.dag, self.default_args = dag, default_args
        self.members: list[BaseOperator | TaskGroup] = []
        #: What it is mapped over itself.
        self.expansion: Expansion | None = None

    @property
    def node_id(self) -> str:
        """Its id, as one word for tasks and groups."""
        return self.group_id

    @property
    def mapping(self) -> Expansion | None:
        """What it, or a group around it, is mapped over."""
        return self.expansion or (self.parent_group.mapping if self.parent_group else None)

    def map_over(self, expansion: Expansion | None) -> None:
        """Make one of it for each element; None: just one.

        Raises:
            DagError: A group around it is mapped already.
        """
        if expansion is not None and self.mapping is not None:
            raise DagError(
                f"group {self.group_id!r} is inside of a group that is mapped and cannot be mapped itself;"
                " map only one of them"
            )
        self.expansion = expansion

    def wait_for_what_it_is_mapped_over(self) -> None:
        """Make its first tasks wait for the outputs that it is mapped over."""
        for reference in self.expansion.references if self.expansion else ():
            for output in reference.outputs:
                for root in self.roots:
                    root.wait_for(output.operator)

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

    @property
    def children(self) -> Mapping[str, BaseOperator | TaskGroup]:
        """Its members by their ids, in order of definition."""
        return {member.node_id: member for member in self.members}

    def get_child_by_label(self, label: str) -> BaseOperator | TaskGroup:
        """The member that its author calls `label`: its id without the prefix.

        Raises:
            TaskNotFound: There is none.
        """
        if (found := self.children.get(self.child_id(label))) is None:
            raise TaskNotFound(self.dag.dag_id, self.child_id(label))
        return found

    def __getitem__(self, label: str) -> BaseOperator | TaskGroup:
        return self.get_child_by_label(label)

    def has_task(self, task: BaseOperator) -> bool:
        """Whether the task is in this group or in one inside of it."""
        return any(task is inside for inside in self.tasks())

    def groups(self) -> Iterator[TaskGroup]:
        """The groups inside, each before those inside of it."""
        for member in self.members:
            if isinstance(member, TaskGroup):
                yield member
                yield from member.groups()

    def add(self, task: BaseOperator) -> None:
        """Put a task that has no Dag yet into this group and its Dag.

        Raises:
            DuplicateTaskId: The Dag has a task or group of that id.
        """
        self.dag.take_id(task.task_id)
        task.dag, task.task_group = self.dag, self
        self.dag.task_dict[task.task_id] = task
        self.members.append(task)
        nesting.note_task(task)

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
        """Its last tasks; in place of a teardown the work before it, which what comes after waits for."""
        inside = {task.task_id: task for task in self.tasks()}
        last = [task for task in inside.values() if task.downstream_task_ids.isdisjoint(inside)]
        return list(dict.fromkeys(leaf for task in last for leaf in _work_up_to(task, inside)))


def _work_up_to(task: BaseOperator, inside: Mapping[str, BaseOperator]) -> Iterator[BaseOperator]:
    """The task, or if it is a teardown those before it that nothing but teardowns comes after."""
    if not task.is_teardown:
        yield task
        return
    for upstream in (inside[task_id] for task_id in sorted(task.upstream_task_ids & inside.keys())):
        after = (inside[task_id] for task_id in upstream.downstream_task_ids & inside.keys())
        if not upstream.is_setup and all(other.is_teardown for other in after):
            yield from _work_up_to(upstream, inside)
