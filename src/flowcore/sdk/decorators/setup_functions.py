"""`@setup` and `@teardown`: functions whose tasks prepare what others need, and take it away again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from flowcore.errors import DagError
from flowcore.sdk.decorators.group_functions import GroupFunction
from flowcore.sdk.decorators.task_decorators import task
from flowcore.sdk.decorators.task_functions import TaskFunction

P = ParamSpec("P")
R = TypeVar("R")


def setup(function: Callable[P, R] | TaskFunction[P, R]) -> TaskFunction[P, R]:
    """Make setups of a function, or of what `@task` made of it; see `BaseOperator.as_setup`.

    Raises:
        DagError: It is something else, such as a group.
    """
    made: TaskFunction[P, R] = _task_function("@setup", function)
    return made.marked(lambda out: out.as_setup())


@overload
def teardown(function: Callable[P, R] | TaskFunction[P, R], /) -> TaskFunction[P, R]: ...


@overload
def teardown(
    *, on_failure_fail_dagrun: bool = False
) -> Callable[[Callable[P, R] | TaskFunction[P, R]], TaskFunction[P, R]]: ...


def teardown(function: Any = None, /, *, on_failure_fail_dagrun: bool = False) -> Any:
    """Make teardowns of a function, or of what `@task` made of it; see `BaseOperator.as_teardown`.

    Raises:
        DagError: It is something else, such as a group, or it has a trigger rule.
    """
    if function is None:
        return lambda decorated: _teardown_of(decorated, on_failure_fail_dagrun)
    return _teardown_of(function, on_failure_fail_dagrun)


def _teardown_of(function: Any, on_failure_fail_dagrun: bool) -> TaskFunction[..., Any]:
    made = _task_function("@teardown", function)
    if made.arguments.get("trigger_rule") is not None:
        raise DagError(
            f"teardown {made.function.__name__!r} has a trigger_rule, and the one of teardowns cannot be"
            " chosen; leave it out"
        )
    return made.marked(lambda out: out.as_teardown(on_failure_fail_dagrun=on_failure_fail_dagrun))


def _task_function(decorator: str, function: Any) -> TaskFunction[Any, Any]:
    if isinstance(function, TaskFunction):
        return function
    if isinstance(function, GroupFunction) or not callable(function):
        raise DagError(f"{decorator} was given {function!r}; use it on a function or a @task")
    return task(function)
