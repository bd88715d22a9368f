"""`FunctionDecorator`: what makes tasks of functions, `@task` and all that is derived from it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, Unpack, overload

from flowcore.errors import DagError
from flowcore.sdk.decorators.task_functions import FunctionTaskArguments, TaskFunction
from flowcore.sdk.functions import FunctionOperator

P = ParamSpec("P")
R = TypeVar("R")


class FunctionDecorator:
    """Makes tasks of one operator class; `name` is what authors call it."""

    def __init__(self, name: str, operator_class: type[FunctionOperator]) -> None:
        self._name, self._operator_class = name, operator_class

    @overload
    def __call__(self, function: Callable[P, R], /) -> TaskFunction[P, R]: ...

    @overload
    def __call__(
        self, /, **arguments: Unpack[FunctionTaskArguments]
    ) -> Callable[[Callable[P, R]], TaskFunction[P, R]]: ...

    def __call__(
        self, function: Callable[..., Any] | None = None, /, **arguments: Unpack[FunctionTaskArguments]
    ) -> Any:
        """Make tasks of a function: `@task`, or `@task(retries=3, ...)`.

        A coroutine function runs on an event loop, another in a process of its own. By default the task is
        called like the function; a second call makes a task with `__1` appended, and so on.

        Raises:
            DagError: The function cannot be a task, or an argument is not allowed.
        """
        if function is None:
            return functools.partial(self._task_function, arguments=arguments)
        return self._task_function(function, arguments)

    def _task_function(self, function: Any, arguments: FunctionTaskArguments) -> TaskFunction[..., Any]:
        if not callable(function):
            raise DagError(
                f"{self._name} was given {function!r}; use {self._name}, or name the argument:"
                f" {self._name}(task_id=...)"
            )
        return TaskFunction(function, arguments, operator_class=self._operator_class)
