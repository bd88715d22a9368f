"""What `@task.branch` and `@task.short_circuit` make of a function: it decides what runs after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flowcore.sdk.branching import BranchesDownstream
from flowcore.sdk.functions import FunctionOperator
from flowcore.sdk.short_circuits import CutsShort

if TYPE_CHECKING:
    from flowcore.sdk.context import Context


class BranchFunctionOperator(FunctionOperator, BranchesDownstream):
    """Its function returns the ids of the tasks and groups right after it that run."""

    operator_name = "@task.branch"

    def execute(self, context: Context) -> Any:
        return self.do_branch(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self.do_branch(context, await super().aexecute(context))


class ShortCircuitFunctionOperator(FunctionOperator, CutsShort):
    """Unless its function returns something true, all that follows is skipped."""

    operator_name = "@task.short_circuit"

    def __init__(
        self, task_id: str, *, ignore_downstream_trigger_rules: bool = True, **arguments: Any
    ) -> None:
        super().__init__(task_id, **arguments)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Context) -> Any:
        return self.cut_short(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self.cut_short(context, await super().aexecute(context))
