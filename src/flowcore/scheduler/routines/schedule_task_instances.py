"""Finished task instances → what follows from them. `decisions/run_progress.py` decides."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class ScheduleTaskInstances:
    """Settles what finished: schedules downstreams, ends runs."""

    store: Store
    batch_size: int = 1_000
    name: RoutineName = RoutineName.SCHEDULE_TASK_INSTANCES

    async def step(self, now: datetime) -> Batch:
        """Settle one batch of finished task instances."""
        return await self.store.schedule_task_instances(now=now, limit=self.batch_size)
