"""Ended runs → their Dags' callbacks called; how that went → written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from flowcore.errors import CommitUnknown
from flowcore.scheduler.callback_calls import CallbackCalls
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class RunCallbacks:
    """Claims what is to be called, as far as there are places, and writes what has been.

    `give_up_lease` is called when nobody can say whether a claim was committed.
    """

    store: Store
    calls: CallbackCalls
    give_up_lease: Callable[[], None]
    name: RoutineName = RoutineName.RUN_CALLBACKS

    async def step(self, now: datetime) -> Batch:
        """Write what is over, and claim; no await stands between the commit and the submission."""
        written = await self.write(now)
        free_places = self.calls.free_places
        if not free_places:
            return Batch(moved=written)
        try:
            claimed = await self.store.claim_callbacks(
                has_dag=self.calls.caller.has_dag, now=now, limit=free_places
            )
        except CommitUnknown:
            self.give_up_lease()
            raise
        for callback in claimed:
            self.calls.submit(callback)
        return Batch(moved=written + len(claimed))

    async def write(self, now: datetime) -> int:
        """Write how calls went; how many."""
        ends = tuple(self.calls.over)
        if ends:
            await self.store.end_callbacks(ends, now=now)
            self.calls.written(ends)
        return len(ends)
