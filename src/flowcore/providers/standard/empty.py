"""`EmptyOperator`: a task that does nothing, to join and to name."""

from __future__ import annotations

from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator


class EmptyOperator(BaseOperator):
    """Succeeds at once when it runs."""

    async def aexecute(self, context: Context) -> None:
        """Do nothing."""
