"""`@task_group`: functions that define a group of tasks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack, overload

from flowcore.errors import DagError
from flowcore.sdk.mapping.expansions import Expansion, MappedArgument, combinations, dicts
from flowcore.sdk.task_groups import TaskGroup

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG

P = ParamSpec("P")
R = TypeVar("R")


class GroupArguments(TypedDict, total=False):
    """What `@task_group(...)` takes; see `TaskGroup`."""

    group_id: str
    prefix_group_id: bool
    parent_group: TaskGroup | None
    dag: DAG | None
    default_args: Mapping[str, Any] | None
    tooltip: str
    group_display_name: str
    ui_color: str
    ui_fgcolor: str
    add_suffix_on_collision: bool


class GroupFunction(Generic[P, R]):
    """A function that makes a group of each call inside a Dag."""

    def __init__(self, function: Callable[P, R], arguments: GroupArguments) -> None:
        functools.update_wrapper(self, function)
        self.function, self.arguments = function, arguments
        self._constant: Mapping[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._make(args, kwargs)

    def partial(self, **kwargs: Any) -> GroupFunction[P, R]:
        """The same function with arguments that are the same for all: `.partial(...).expand(...)`."""
        made: GroupFunction[P, R] = GroupFunction(self.function, self.arguments)
        made._constant = {**self._constant, **kwargs}
        return made

    def expand(self, **mapped: Any) -> Any:
        """Make a group of which there is one for each combination of elements of these lists and outputs.

        Raises:
            DagError: Something cannot be mapped over, or the function has no such argument.
        """
        return self._expanded(combinations(self._subject, mapped), mapped)

    def expand_kwargs(self, kwargs: Any) -> Any:
        """Make a group of which there is one for each dict of arguments in a list or an output.

        Raises:
            DagError: It is no such list.
        """
        names = inspect.signature(self.function).parameters.keys() - self._constant.keys()
        return self._expanded(dicts(self._subject, kwargs), sorted(names))

    @property
    def _subject(self) -> str:
        return f"group function {self.function.__name__!r}"

    def _expanded(self, expansion: Expansion, names: Iterable[str]) -> Any:
        mapped = {name: MappedArgument(expansion, name) for name in names}
        try:
            inspect.signature(self.function).bind(**self._constant, **mapped)
        except TypeError as error:
            raise DagError(f"{self._subject} cannot be mapped over these arguments: {error}") from None
        return self._make((), mapped, expansion)

    def _make(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], expansion: Expansion | None = None
    ) -> Any:
        settings: GroupArguments = {
            "group_id": self.function.__name__,
            "tooltip": self.function.__doc__ or "",
            "add_suffix_on_collision": True,
            **self.arguments,
        }
        with TaskGroup(**settings) as group:
            group.map_over(expansion)
            returned = self.function(*args, **{**self._constant, **kwargs})
        group.wait_for_what_it_is_mapped_over()
        return group if returned is None else returned

    def override(self, **arguments: Unpack[GroupArguments]) -> GroupFunction[P, R]:
        """The same function with other arguments for its group."""
        return GroupFunction(self.function, {**self.arguments, **arguments})


@overload
def task_group(function: Callable[P, R], /) -> GroupFunction[P, R]: ...


@overload
def task_group(group_id: str, /) -> Callable[[Callable[P, R]], GroupFunction[P, R]]: ...


@overload
def task_group(**arguments: Unpack[GroupArguments]) -> Callable[[Callable[P, R]], GroupFunction[P, R]]: ...


def task_group(first: Callable[..., Any] | str | None = None, /, **arguments: Unpack[GroupArguments]) -> Any:
    """Make a function define a group: `@task_group`, or `@task_group(group_id="load", ...)`.

    A call inside a Dag makes the group, called like the function unless `group_id` says otherwise (a
    second call appends `__1`, and so on), and returns what the function returns, or the group if that is
    None. The arguments may be outputs of tasks. What the function says in its docstring is the tooltip.

    Raises:
        DagError: It is used on something that cannot be called.
    """
    if isinstance(first, str):
        arguments["group_id"] = first
    elif first is not None:
        return _group_function(first, arguments)
    return functools.partial(_group_function, arguments=arguments)


def _group_function(function: Callable[..., Any], arguments: GroupArguments) -> GroupFunction[..., Any]:
    if not callable(function):
        raise DagError(f"@task_group was given {function!r}; use it on a function")
    return GroupFunction(function, arguments)
