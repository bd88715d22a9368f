"""`PythonSensor`: waits until a function says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowcore.sdk.context import Context
from flowcore.sdk.sensors import BaseSensorOperator, PokeReturnValue
from flowcore.sdk.task_callables import TaskCallable


class PythonSensor(BaseSensorOperator):
    """Waits until `python_callable`, a function or a coroutine function, returns what is true.

    A `PokeReturnValue` also says what the task returns. Parameters that are called like keys of the context
    are filled from it.
    """

    template_fields = ("op_args", "op_kwargs")

    def __init__(
        self,
        task_id: str,
        *,
        python_callable: Callable[..., Any],
        op_args: Sequence[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.op_args, self.op_kwargs = tuple(op_args or ()), dict(op_kwargs or {})
        self._called = TaskCallable.of(python_callable)
        self._from_context = self._called.filled_from_context(self.op_args, self.op_kwargs)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        return _found(self._called.function(*self.op_args, **self._kwargs(context)))

    async def apoke(self, context: Context) -> bool | PokeReturnValue:
        if not self._called.is_async:
            return await super().apoke(context)
        return _found(await self._called.function(*self.op_args, **self._kwargs(context)))

    @property
    def named_context_keys(self) -> frozenset[str]:
        return self._called.named(self._from_context)

    def _kwargs(self, context: Context) -> Mapping[str, Any]:
        return self._called.values_from(context, self._from_context) | self.op_kwargs


def _found(returned: Any) -> bool | PokeReturnValue:
    return returned if isinstance(returned, PokeReturnValue) else bool(returned)
