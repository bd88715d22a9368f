"""`@dag`: functions that define a Dag."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, Unpack, overload

from flowcore.errors import DagError
from flowcore.sdk.dag_arguments import DagArguments
from flowcore.sdk.dags import DAG

P = ParamSpec("P")


class _DagFunctionArguments(DagArguments, total=False):
    dag_id: str | None


@overload
def dag(function: Callable[P, object], /) -> Callable[P, DAG]: ...


@overload
def dag(
    dag_id: str | None = None, /, **arguments: Unpack[_DagFunctionArguments]
) -> Callable[[Callable[P, object]], Callable[P, DAG]]: ...


def dag(first: Callable[..., object] | str | None = None, /, **arguments: Any) -> Any:
    """Make a function define a Dag: `@dag`, or `@dag(schedule="@daily", ...)`.

    Calling the function makes the Dag, which is called like the function unless a `dag_id` is given; what
    the function defines belongs to it. The parameters of the function become params of the Dag, and stand
    for their values in a run.

    Raises:
        DagError: When the function is called; see `DAG`.
    """
    if callable(first):
        return _defining(first, {})
    arguments.setdefault("dag_id", first)
    return functools.partial(_defining, arguments=arguments)


def _defining(function: Callable[..., object], arguments: dict[str, Any]) -> Callable[..., DAG]:
    signature = inspect.signature(function)
    dag_id = arguments.get("dag_id") or function.__name__
    others = {name: value for name, value in arguments.items() if name != "dag_id"}

    @functools.wraps(function)
    def define(*args: Any, **kwargs: Any) -> DAG:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise DagError(
                f"@dag function {function.__name__!r}: {error}; its signature is {signature}"
            ) from None
        # A parameter that was left out becomes a param, too, with its default.
        given.apply_defaults()
        with DAG(dag_id, **others) as defined:
            defined.doc_md = defined.doc_md or function.__doc__
            function(**{name: defined.param(name, value) for name, value in given.arguments.items()})
        return defined

    return define
