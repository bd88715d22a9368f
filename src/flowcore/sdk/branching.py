"""Branches: tasks that choose which of the tasks right after them run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flowcore.domain.skips import SkipReach
from flowcore.errors import DagError
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.relatives import reached_from
from flowcore.sdk.skipping import SkipsDownstream, skippable

if TYPE_CHECKING:
    from flowcore.sdk.context import Context

#: What a branch may choose: ids of tasks and groups; nothing skips all that follows.
Choice = str | Iterable[str] | None


class BranchesDownstream(SkipsDownstream):
    """Base, besides `BaseOperator`, of operators that choose among the tasks right after them."""

    @property
    def skip_reach(self) -> SkipReach:
        return SkipReach.DIRECT

    def do_branch(self, context: Context, branches_to_execute: Choice) -> Any:
        """End the try so that of the tasks right after it only those chosen run, and those on their way.

        Raises:
            DagError: No task or group of the Dag is called so.
        """
        task = context["task"]
        chosen = _chosen_tasks(task, branches_to_execute)
        followed = chosen.union(*(reached_from(task.required_dag.task_dict[i]) for i in chosen))
        skipped = [other for other in skippable(task) if other.task_id not in followed]
        return self.end_with(context, branches_to_execute, skipped=skipped)


# What Airflow calls it.
BranchMixIn = BranchesDownstream


class BaseBranchOperator(BaseOperator, BranchesDownstream):
    """A branch as a class of one's own: define `choose_branch`."""

    def choose_branch(self, context: Context) -> Choice:
        """The ids of the tasks and groups right after it that run; None for none of them."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        return self.do_branch(context, self.choose_branch(context))


def _chosen_tasks(task: BaseOperator, choice: Choice) -> set[str]:
    ids = () if choice is None else (choice,) if isinstance(choice, str) else choice
    if not isinstance(ids, Iterable):
        raise DagError(
            f"branch {task.task_id!r} returned {choice!r}; return the id of a task or group, a list of ids,"
            " or None"
        )
    dag = task.required_dag
    groups = {group.group_id: group for group in dag.task_group.groups()}
    chosen: set[str] = set()
    for node_id in ids:
        if node_id in groups:
            chosen.update(root.task_id for root in groups[node_id].roots)
        elif node_id in dag.task_dict:
            chosen.add(node_id)
        else:
            raise DagError(
                f"branch {task.task_id!r} chose {node_id!r}, and Dag {dag.dag_id!r} has no task or group of"
                " that id; return ids with the prefixes of their groups"
            )
    return chosen
