"""What time alone brings about: retries that are due, runs that timed out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from flowcore.abc import Executor
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class Expire:
    """Reschedules due retries, ends overdue runs and stops their tries."""

    store: Store
    executors: Mapping[str, Executor]
    batch_size: int = 1_000
    name: RoutineName = RoutineName.EXPIRE

    async def step(self, now: datetime) -> Batch:
        """Handle one batch of each."""
        expired = await self.store.expire(now=now, limit=self.batch_size)
        for task_instance_id, token in expired.stopped:
            for executor in self.executors.values():
                executor.cancel(task_instance_id, token, "the Dag run exceeded its dagrun_timeout")
        return expired
