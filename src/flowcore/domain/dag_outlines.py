"""What a task may know of another Dag: whether it is there, and which tasks and groups it has."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from flowcore.domain.dags import Dag


@attrs.frozen
class GroupOutline:
    """A TaskGroup with the ids of all tasks in it, those of groups in it included."""

    group_id: str
    task_ids: tuple[str, ...]


@attrs.frozen(kw_only=True)
class DagOutline:
    """A Dag in its latest version. It is not active when no file makes it any more."""

    dag_id: str
    is_active: bool
    is_paused: bool
    task_ids: tuple[str, ...]
    groups: tuple[GroupOutline, ...] = ()

    def tasks_in(self, group_id: str) -> tuple[str, ...] | None:
        """The tasks of a group; None if there is no such group."""
        return next((group.task_ids for group in self.groups if group.group_id == group_id), None)


def outline_of(dag: Dag, *, is_active: bool, is_paused: bool) -> DagOutline:
    """What a Dag has."""
    return DagOutline(
        dag_id=dag.dag_id,
        is_active=is_active,
        is_paused=is_paused,
        task_ids=tuple(task.task_id for task in dag.tasks),
        groups=tuple(_groups(dag)),
    )


def _groups(dag: Dag) -> Iterator[GroupOutline]:
    parent_of = {group.group_id: group.parent_id for group in dag.groups}
    inside: dict[str, list[str]] = {group.group_id: [] for group in dag.groups}
    for task in dag.tasks:
        group_id = task.group_id
        while group_id in inside:
            inside[group_id].append(task.task_id)
            group_id = parent_of[group_id]
    for group_id, task_ids in inside.items():
        yield GroupOutline(group_id, tuple(task_ids))
