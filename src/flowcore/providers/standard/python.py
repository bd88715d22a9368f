"""`PythonOperator`: a function as a task, in the spelling before `@task`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowcore.errors import DagError
from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.task_callables import TaskCallable


class PythonOperator(FunctionOperator):
    """Calls a function; its parameters that are called like keys of the context are filled from it.

    Args:
        task_id: See `BaseOperator`.
        python_callable: A function, or a coroutine function.
        op_args: Its positional arguments.
        op_kwargs: Its arguments by keyword.
        arguments: See `BaseOperator`.
    """

    operator_name = "PythonOperator"

    def __init__(
        self,
        task_id: str,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        if not callable(python_callable):
            raise DagError(f"task {task_id!r} has python_callable={python_callable!r}; give a function")
        called = TaskCallable.of(python_callable)
        super().__init__(
            task_id, called=called, op_args=op_args or (), op_kwargs=op_kwargs or {}, **arguments
        )
        self.python_callable = python_callable
