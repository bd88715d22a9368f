"""`ScriptedCalls`: callbacks of Dags are called by writing down that they were, and are over at once."""

from __future__ import annotations

import attrs

from flowcore.concurrency.wakeups import Wakeups
from flowcore.domain.dag_callbacks import CallbackEnd, DagCallback
from flowcore.scheduler.callback_calls import CallbackCalls


@attrs.define
class ListingCaller:
    """Implements `CallbackCaller`: keeps what it was to call, of every Dag."""

    called: list[DagCallback] = attrs.field(factory=list)

    def has_dag(self, dag_id: str) -> bool:
        return True

    async def call(self, callback: DagCallback) -> str | None:
        self.called.append(callback)
        return None


class ScriptedCalls(CallbackCalls):
    """`CallbackCalls` for routines that are stepped by hand: nothing waits, nothing need be served."""

    def __init__(self, caller: ListingCaller, places: int = 3) -> None:
        super().__init__(caller, Wakeups(), places)
        self._listing = caller

    @property
    def free_places(self) -> int:
        return self.places - len(self.over)

    def submit(self, callback: DagCallback) -> None:
        self._listing.called.append(callback)
        self.over.append(CallbackEnd(callback_id=callback.id, token=callback.token))
