"""`TaskFunction`: a function of which each call makes a task, as the decorators leave it behind."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypedDict, TypeVar, Unpack

from flowcore.errors import DagError
from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.ids import unique_id
from flowcore.sdk.mapping.expansions import Expansion, combinations, dicts
from flowcore.sdk.nesting import surrounding_group
from flowcore.sdk.task_arguments import TaskArguments
from flowcore.sdk.task_callables import TaskCallable
from flowcore.sdk.xcom_args import XComArg

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.task_groups import TaskGroup

P = ParamSpec("P")
R = TypeVar("R")


class TaskPlace(TypedDict, total=False):
    """Where a task goes: see `BaseOperator`."""

    task_id: str
    dag: DAG | None
    task_group: TaskGroup | None
    default_args: Mapping[str, Any] | None


class FunctionTaskArguments(TaskPlace, TaskArguments, total=False):
    """What `@task(...)` and `.override(...)` take.

    `templates_dict` is rendered and found under that name in the context; in it and in the arguments of
    the call, strings that end with one of `templates_exts` name files with templates.
    """

    templates_dict: Mapping[str, Any] | None
    templates_exts: Sequence[str] | None


class TaskFunction(Generic[P, R]):
    """A function that makes a task of each call inside a Dag.

    The call returns the task's output, and may be given outputs of other tasks in place of values. The
    plain function stays callable as `.function`.
    """

    def __init__(
        self,
        function: Callable[P, R],
        arguments: FunctionTaskArguments,
        *,
        operator_class: type[FunctionOperator] = FunctionOperator,
        mark: Callable[[XComArg], XComArg] | None = None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function, self.arguments = function, arguments
        self._called = TaskCallable.of(function)
        self._operator_class, self._mark = operator_class, mark

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg:
        return self.make(args, kwargs)

    def partial(self, **kwargs: Any) -> FunctionPartial:
        """The function with arguments that are the same for all instances: `.partial(...).expand(...)`."""
        return FunctionPartial(self, kwargs)

    def expand(self, **mapped: Any) -> XComArg:
        """Make a task with an instance for each combination of elements of these lists, dicts and outputs.

        Raises:
            DagError: Something cannot be mapped over, or the function has no such argument.
        """
        return self.partial().expand(**mapped)

    def expand_kwargs(self, kwargs: Any) -> XComArg:
        """Make a task with an instance for each dict of arguments in a list or an output.

        Raises:
            DagError: It is no such list.
        """
        return self.partial().expand_kwargs(kwargs)

    def make(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], expansion: Expansion | None = None
    ) -> XComArg:
        """Make a task, and return its output."""
        arguments: dict[str, Any] = {**self.arguments}
        wanted = arguments.pop("task_id", None) or self._called.name
        operator = self._operator_class(
            self._free_id(wanted),
            called=self._called,
            op_args=args,
            op_kwargs=kwargs,
            expansion=expansion,
            **arguments,
        )
        return operator.output if self._mark is None else self._mark(operator.output)

    def marked(self, mark: Callable[[XComArg], XComArg]) -> TaskFunction[P, R]:
        """The same function, whose tasks are handed to `mark` when they are made."""
        return TaskFunction(self.function, self.arguments, operator_class=self._operator_class, mark=mark)

    def override(self, **arguments: Unpack[FunctionTaskArguments]) -> TaskFunction[P, R]:
        """The same function with other arguments for its task."""
        return TaskFunction(
            self.function,
            {**self.arguments, **arguments},
            operator_class=self._operator_class,
            mark=self._mark,
        )

    def _free_id(self, wanted: str) -> str:
        group = surrounding_group(self.arguments.get("dag"), self.arguments.get("task_group"))
        if group is None:
            return wanted
        # Ids are unique in the Dag, with their prefix; the operator puts the prefix before it again.
        prefix = group.child_id("")
        return unique_id(prefix + wanted, group.dag.taken_ids).removeprefix(prefix)


class FunctionPartial:
    """What `partial` made of a task function; `expand` or `expand_kwargs` makes a task of it."""

    def __init__(self, function: TaskFunction[..., Any], kwargs: Mapping[str, Any]) -> None:
        self._function, self._kwargs = function, kwargs

    def expand(self, **mapped: Any) -> XComArg:
        """See `TaskFunction.expand`."""
        if twice := sorted(self._kwargs.keys() & mapped.keys()):
            raise DagError(f"{self._subject} is given {', '.join(twice)} twice; give each argument once")
        return self._function.make((), self._kwargs, combinations(self._subject, mapped))

    def expand_kwargs(self, kwargs: Any) -> XComArg:
        """See `TaskFunction.expand_kwargs`."""
        return self._function.make((), self._kwargs, dicts(self._subject, kwargs))

    @property
    def _subject(self) -> str:
        return f"task function {self._function.function.__name__!r}"
