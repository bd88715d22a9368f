"""How tasks of a Dag are related: whom they wait for, whom they reach, and that they share a Dag."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from flowcore.errors import DagError

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator


class HasRelatives:
    """Base of operators, which can be asked for their Dag and the tasks around them."""

    task_id: str
    dag: DAG | None
    upstream_task_ids: set[str]
    downstream_task_ids: set[str]

    @property
    def required_dag(self) -> DAG:
        """The Dag that it belongs to.

        Raises:
            DagError: It has none yet.
        """
        if self.dag is None:
            raise DagError(f"task {self.task_id!r} is outside a Dag; define it inside `with DAG(...):`")
        return self.dag

    @property
    def upstream_list(self) -> list[BaseOperator]:
        """The tasks right before it, in Dag order."""
        return tasks_of(self, self.upstream_task_ids)

    @property
    def downstream_list(self) -> list[BaseOperator]:
        """The tasks right after it, in Dag order."""
        return tasks_of(self, self.downstream_task_ids)

    def get_direct_relatives(self, upstream: bool = False) -> list[BaseOperator]:
        """The tasks right after it, or with `upstream` right before it, in Dag order."""
        return self.upstream_list if upstream else self.downstream_list

    def get_flat_relatives(self, upstream: bool = False) -> list[BaseOperator]:
        """All tasks after it, or with `upstream` before it, in Dag order."""
        return tasks_of(self, reached_from(self, upstream=upstream))


def tasks_of(task: HasRelatives, task_ids: Collection[str]) -> list[BaseOperator]:
    """Tasks of the same Dag by their ids, in Dag order."""
    return [task.required_dag.task_dict[i] for i in task.required_dag.task_dict if i in task_ids]


def reached_from(task: HasRelatives, *, upstream: bool = False) -> set[str]:
    """The ids of all tasks that come after one, or before it."""
    waiting: list[HasRelatives] = [task]
    seen = set[str]()
    while waiting:
        one = waiting.pop()
        new = (one.upstream_task_ids if upstream else one.downstream_task_ids) - seen
        seen |= new
        waiting += (task.required_dag.task_dict[task_id] for task_id in new)
    return seen


def share_dag(one: BaseOperator, other: BaseOperator) -> None:
    """Put a task that has no Dag yet into that of the other."""
    dag = one.dag or other.dag
    if dag is None:
        raise DagError(
            f"tasks {one.task_id!r} and {other.task_id!r} are outside a Dag and cannot depend on each other;"
            " define them inside `with DAG(...):`"
        )
    for task in (one, other):
        if task.dag is None:
            # Its id has no prefix, so it belongs to no group.
            dag.task_group.add(task)
        elif task.dag is not dag:
            raise DagError(
                f"task {one.task_id!r} of Dag {dag.dag_id!r} cannot depend on task {task.task_id!r} of Dag"
                f" {task.dag.dag_id!r}; put both into one Dag"
            )
