"""What `@task.sensor` makes of a function: it looks, and says whether the wait is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.sensors import BaseSensorOperator

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class SensorFunctionOperator(BaseSensorOperator, FunctionOperator):
    """Calls its function until that returns something true.

    A `PokeReturnValue` also says what the task returns.
    """

    operator_name = "@task.sensor"

    @property
    def is_async(self) -> bool:
        return True

    def poke(self, context: Context) -> Any:
        return FunctionOperator.execute(self, context)

    async def apoke(self, context: Context) -> Any:
        if self.called.is_async:
            return await FunctionOperator.aexecute(self, context)
        return await super().apoke(context)
