"""`@asset`: a function that makes an asset, as a Dag of one task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, Unpack

from flowcore.domain.assets import Asset, AssetAll, AssetExpression
from flowcore.errors import DagError, UsageError
from flowcore.sdk.comms.asset_messages import GetAsset
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.sdk.context import Context
from flowcore.sdk.dag_arguments import DagArguments
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator

#: Parameters that stand for no asset which it reads.
_NO_ASSETS = ("self", "context", "outlet_events")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class _AssetArguments(DagArguments, total=False):
    dag_id: str | None


class AssetFunctionOperator(BaseOperator):
    """Calls the function of an `@asset`.

    Its parameters are called like the assets that it reads, and are given these; `self` is the asset that it
    makes, `context` the context, `outlet_events` what it says about its update. Those with defaults are left
    alone.
    """

    operator_name = "@asset"

    def __init__(
        self, task_id: str, *, function: Callable[..., Any], made: Asset | None, **arguments: Any
    ) -> None:
        self.function, self.made = function, made
        self._wanted = _wanted(function)
        if made is None and "self" in self._wanted:
            raise DagError(f"function {task_id!r} of @asset.multi makes several assets; leave out `self`")
        inlets = [Asset.ref(name=name) for name in self._wanted if name not in _NO_ASSETS]
        super().__init__(task_id, inlets=inlets, doc_md=function.__doc__, **arguments)

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def execute(self, context: Context) -> Any:
        return self.function(**_read_values(self._wanted, self.made, context))

    async def aexecute(self, context: Context) -> Any:
        return await self.function(**await _aread_values(self._wanted, self.made, context))


class AssetDecorator:
    """`@asset`, and `@asset.multi` for several assets of one function."""

    def __call__(
        self,
        *,
        name: str | None = None,
        uri: str | PathLike[str] | None = None,
        group: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **arguments: Unpack[_AssetArguments],
    ) -> Callable[[Callable[..., Any]], Asset]:
        """Make an asset that is called like the function, and a Dag that makes it by the `schedule`.

        The other arguments are those of `DAG`. What the decorator returns is the asset.

        Raises:
            DagError: The function or an argument cannot be used.
        """

        def define(function: Callable[..., Any]) -> Asset:
            made = Asset(name or function.__name__, uri, group=group, extra=extra)
            _define(function, made, [made], made.name, arguments)
            return made

        return define

    def multi(
        self, *, outlets: Sequence[AssetExpression], **arguments: Unpack[_AssetArguments]
    ) -> Callable[[Callable[..., Any]], AssetExpression]:
        """Make a Dag of a function that updates all `outlets`; it returns them together."""

        def define(function: Callable[..., Any]) -> AssetExpression:
            together = AssetAll(*outlets)
            _define(function, None, outlets, function.__name__, arguments)
            return together

        return define


asset = AssetDecorator()


def _define(
    function: Callable[..., Any],
    made: Asset | None,
    outlets: Sequence[AssetExpression],
    name: str,
    arguments: _AssetArguments,
) -> None:
    others: dict[str, Any] = {**arguments}
    with DAG(others.pop("dag_id", None) or name, **others):
        AssetFunctionOperator(function.__name__, function=function, made=made, outlets=list(outlets))


def _wanted(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind in _VARIADIC or parameter.kind is parameter.POSITIONAL_ONLY:
            raise DagError(
                f"function {function.__name__!r} of @asset has the parameter {str(parameter)!r}; name its"
                " parameters like the assets that it reads"
            )
    return tuple(parameter.name for parameter in parameters if parameter.default is parameter.empty)


def _values(wanted: Sequence[str], made: Asset | None, context: Context) -> Question[dict[str, Any]]:
    values: dict[str, Any] = {}
    for name in wanted:
        if name == "self":
            values[name] = made
        elif name == "context":
            values[name] = context
        elif name == "outlet_events":
            values[name] = context["outlet_events"]
        else:
            found = yield from ask(GetAsset(name))
            if found.uri is None:
                raise UsageError(f"no Dag names an asset {name!r}; define it, or rename the parameter")
            values[name] = Asset(name, found.uri, group=found.group, extra=found.extra)
    return values


_read_values = blocking(_values, face="asset.values")
_aread_values = awaiting(_values)
