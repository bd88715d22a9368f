"""What an embedder may do to a run by hand, as arguments of `Run` and `Flowcore`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypedDict

from flowcore.domain.selections import TaskSelection
from flowcore.domain.states import TaskInstanceState
from flowcore.scheduler.decisions.change_task_instances import FAILED_AFTERWARDS, RUNNING


class Relatives(TypedDict, total=False):
    """Tasks that are changed with those that are named: all before (`upstream`) and after (`downstream`).

    `map_indexes` are those elements of mapped tasks that are meant; all if it is not given.
    """

    upstream: bool
    downstream: bool
    map_indexes: Iterable[int]


def select_tasks(task_ids: Iterable[str], relatives: Relatives) -> TaskSelection:
    """The tasks of these ids; all if there are none."""
    map_indexes = relatives.get("map_indexes")
    return TaskSelection(
        task_ids=frozenset(task_ids) or None,
        upstream=relatives.get("upstream", False),
        downstream=relatives.get("downstream", False),
        map_indexes=None if map_indexes is None else frozenset(map_indexes),
    )


def only_states(*, only_failed: bool, only_running: bool) -> Collection[TaskInstanceState] | None:
    """The states in which task instances are cleared; None: whatever their state."""
    if not only_failed and not only_running:
        return None
    return (FAILED_AFTERWARDS if only_failed else frozenset()) | (RUNNING if only_running else frozenset())
