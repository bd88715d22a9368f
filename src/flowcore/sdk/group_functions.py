"""`@task_group`: functions that define a group of tasks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypedDict, TypeVar, Unpack, overload

from flowcore.sdk.task_groups import TaskGroup

P = ParamSpec("P")
R = TypeVar("R")


class GroupArguments(TypedDict, total=False):
    """What `@task_group(...)` takes; see `TaskGroup`."""

    group_id: str
    prefix_group_id: bool
    default_args: Mapping[str, Any] | None
    tooltip: str


@overload
def task_group(function: Callable[P, R], /) -> Callable[..., Any]: ...


@overload
def task_group(**arguments: Unpack[GroupArguments]) -> Callable[[Callable[P, R]], Callable[..., Any]]: ...


def task_group(function: Callable[..., Any] | None = None, /, **arguments: Unpack[GroupArguments]) -> Any:
    """Make a function define a group: `@task_group`, or `@task_group(group_id="load", ...)`.

    A call inside a Dag makes the group, called like the function unless `group_id` says otherwise (a
    second call appends `__1`, and so on), and returns what the function returns, or the group if that is
    None. The arguments may be outputs of tasks.
    """
    if function is None:
        return functools.partial(_defining, arguments=arguments)
    return _defining(function, arguments)


def _defining(function: Callable[..., Any], arguments: GroupArguments) -> Callable[..., Any]:
    settings: GroupArguments = {"group_id": function.__name__, "tooltip": function.__doc__ or "", **arguments}

    @functools.wraps(function)
    def define(*args: Any, **kwargs: Any) -> Any:
        with TaskGroup(**settings, add_suffix_on_collision=True) as group:
            returned = function(*args, **kwargs)
        return group if returned is None else returned

    return define
