"""What time alone brings about: retries that are due, runs that timed out."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class Expire:
    """Reschedules due retries, ends overdue runs and revokes their tries."""

    store: Store
    batch_size: int = 1_000
    name: RoutineName = RoutineName.EXPIRE

    async def step(self, now: datetime) -> Batch:
        """Handle one batch of each."""
        return await self.store.expire(now=now, limit=self.batch_size)
