"""Which Dag, TaskGroup and setup scope the code being executed is inside of, and which Dags a file has made.

All are context variables: Dag files that are loaded at the same time do not see each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator
    from flowcore.sdk.setups import SetupScope
    from flowcore.sdk.task_groups import TaskGroup

_open_groups: ContextVar[tuple[TaskGroup, ...]] = ContextVar("flowcore_open_groups", default=())
_open_scopes: ContextVar[tuple[SetupScope, ...]] = ContextVar("flowcore_open_scopes", default=())
_made_dags: ContextVar[dict[DAG, None] | None] = ContextVar("flowcore_made_dags", default=None)


def enter(group: TaskGroup) -> None:
    """Put what is defined from now on into `group` (the root group of a Dag when a Dag is entered)."""
    _open_groups.set((*_open_groups.get(), group))


def leave() -> None:
    """Undo the latest `enter`."""
    _open_groups.set(_open_groups.get()[:-1])


def current_group() -> TaskGroup | None:
    """The innermost group being filled; None outside every `with DAG(...)`."""
    groups = _open_groups.get()
    return groups[-1] if groups else None


def enter_scope(scope: SetupScope) -> None:
    """Put the tasks that are defined from now on into `scope`, too."""
    _open_scopes.set((*_open_scopes.get(), scope))


def leave_scope() -> SetupScope:
    """Undo the latest `enter_scope`; which scope that was."""
    *others, scope = _open_scopes.get()
    _open_scopes.set(tuple(others))
    return scope


def note_task(task: BaseOperator) -> None:
    """Tell the scopes around about a new task."""
    for scope in _open_scopes.get():
        scope.add_task(task)


def surrounding_group(dag: DAG | None, group: TaskGroup | None) -> TaskGroup | None:
    """The group that a new task or group belongs to; None when it has no Dag yet.

    A group that is given wins, then a Dag that is given, then what is being filled.
    """
    current = current_group()
    if group is not None or dag is None:
        return group or current
    return current if current is not None and current.dag is dag else dag.task_group


def default_args_for(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `default_args` that hold for a new task with the arguments `given`."""
    own: Mapping[str, Any] = given.get("default_args") or {}
    group = surrounding_group(given.get("dag"), given.get("task_group"))
    return {**group.default_args, **own} if group else own


def note_dag(dag: DAG) -> None:
    """Remember a Dag that was entered, for the loader of its file."""
    made = _made_dags.get()
    if made is not None:
        made[dag] = None


@contextmanager
def collecting_dags() -> Iterator[Mapping[DAG, None]]:
    """Collect the Dags that are entered inside this block, each once, in that order."""
    made: dict[DAG, None] = {}
    token = _made_dags.set(made)
    try:
        yield made
    finally:
        _made_dags.reset(token)
