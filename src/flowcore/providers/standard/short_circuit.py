"""`ShortCircuitOperator`: a function that may end what follows, as before `@task.short_circuit`."""

from __future__ import annotations

from flowcore.providers.standard.python import PythonOperator
from flowcore.sdk.decorators.deciding_functions import ShortCircuitFunctionOperator


class ShortCircuitOperator(PythonOperator, ShortCircuitFunctionOperator):
    """Unless its function returns something true, all that follows is skipped.

    With `ignore_downstream_trigger_rules=False` only the tasks right after it are skipped, and those further
    down follow their trigger rules.
    """

    operator_name = "ShortCircuitOperator"
