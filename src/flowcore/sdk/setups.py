"""Setups and teardowns: marking tasks as such, and the scope that `with` opens between the two.

A setup makes what the work needs, and its teardown takes that away again, also when the work failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from flowcore.domain.trigger_rules import TriggerRule
from flowcore.errors import DagError
from flowcore.sdk import nesting
from flowcore.sdk.nodes import Node, each_node

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator


class TaskNode(Node):
    """A node that stands for a task: the task itself, or its output."""

    def as_setup(self) -> Self:
        """Make the task a setup: what comes after it needs it, up to its teardown."""
        for task in self.roots:
            task.is_setup = True
        return self

    def as_teardown(
        self,
        *,
        setups: Node | Iterable[Node] | None = None,
        on_failure_fail_dagrun: bool | None = None,
    ) -> Self:
        """Make the task a teardown: it runs when all before it is over, if one of its setups succeeded.

        Args:
            setups: Become setups, right before it.
            on_failure_fail_dagrun: Whether the run fails with it; by default it does not.
        """
        for task in self.roots:
            task.is_teardown = True
            task.trigger_rule = TriggerRule.ALL_DONE_SETUP_SUCCESS
            if on_failure_fail_dagrun is not None:
                task.on_failure_fail_dagrun = on_failure_fail_dagrun
        for node in () if setups is None else each_node(setups):
            for setup in node.roots:
                setup.is_setup = True
            self.set_upstream(node)
        return self

    def __enter__(self) -> SetupScope:
        """Put what is defined inside between a setup and its teardown; either of them may be given.

        Raises:
            DagError: The task is neither.
        """
        scope = SetupScope.around(self.roots)
        nesting.enter_scope(scope)
        return scope

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        scope = nesting.leave_scope()
        if error is None:
            scope.join()


class SetupScope:
    """The work between setups and teardowns, while a `with` block collects it."""

    def __init__(self, setups: Sequence[BaseOperator], teardowns: Sequence[BaseOperator]) -> None:
        self._setups, self._teardowns = setups, teardowns
        self._work: list[BaseOperator] = []

    @classmethod
    def around(cls, tasks: Sequence[BaseOperator]) -> SetupScope:
        """The scope that belongs to these setups or these teardowns."""
        if all(task.is_setup for task in tasks):
            return cls(tasks, _nearest(tasks, lambda task: task.downstream_task_ids, _is_teardown))
        if all(task.is_teardown for task in tasks):
            return cls(_nearest(tasks, lambda task: task.upstream_task_ids, _is_setup), tasks)
        ids = ", ".join(task.task_id for task in tasks)
        raise DagError(
            f"task {ids!r} is neither a setup nor a teardown and cannot be used with `with`; mark it with"
            " @setup or @teardown, or with .as_setup() or .as_teardown()"
        )

    def add_task(self, node: Node) -> None:
        """Take in a task that was defined before the block."""
        self._work.extend(task for task in node.roots if task not in self._work)

    def join(self) -> None:
        """Put the setups before the work and the teardowns after it."""
        ids = {task.task_id for task in self._work}
        for task in self._work:
            if ids.isdisjoint(task.upstream_task_ids):
                task.set_upstream(self._setups)
        for task in self._work:
            if ids.isdisjoint(task.downstream_task_ids):
                task.set_downstream(self._teardowns)


def _nearest(
    tasks: Sequence[BaseOperator],
    neighbours: Callable[[BaseOperator], Iterable[str]],
    is_wanted: Callable[[BaseOperator], bool],
) -> Sequence[BaseOperator]:
    """Those wanted that are the fewest steps away; there may be none."""
    level, seen = list(tasks), set[str]()
    while level:
        ids = sorted({task_id for task in level for task_id in neighbours(task)} - seen)
        seen.update(ids)
        level = [tasks[0].required_dag.task_dict[task_id] for task_id in ids]
        if found := [task for task in level if is_wanted(task)]:
            return found
    return ()


def _is_setup(task: BaseOperator) -> bool:
    return task.is_setup


def _is_teardown(task: BaseOperator) -> bool:
    return task.is_teardown
