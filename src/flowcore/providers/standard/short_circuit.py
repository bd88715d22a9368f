"""`ShortCircuitOperator`: a function that may end what follows, as before `@task.short_circuit`."""

from __future__ import annotations

from typing import Any

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.context import Context
from flowcore.sdk.short_circuits import CutsShort


class ShortCircuitOperator(PythonOperator, CutsShort):
    """Unless its function returns something true, all that follows is skipped.

    With `ignore_downstream_trigger_rules=False` only the tasks right after it are skipped, and those further
    down follow their trigger rules.
    """

    operator_name = "ShortCircuitOperator"

    def __init__(
        self, task_id: str, *, ignore_downstream_trigger_rules: bool = True, **arguments: Any
    ) -> None:
        super().__init__(task_id, **arguments)
        self.ignore_downstream_trigger_rules = ignore_downstream_trigger_rules

    def execute(self, context: Context) -> Any:
        return self.cut_short(context, super().execute(context))

    async def aexecute(self, context: Context) -> Any:
        return self.cut_short(context, await super().aexecute(context))
