"""Backfills whose runs have all ended → completed."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class CompleteBackfills:
    """Completes backfills, so that their Dags may have others."""

    store: Store
    name: RoutineName = RoutineName.COMPLETE_BACKFILLS

    async def step(self, now: datetime) -> Batch:
        """Complete those that are over."""
        return await self.store.complete_backfills(now=now)
