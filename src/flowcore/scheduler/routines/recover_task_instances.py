"""Lapsed leases → tries that run again. `decisions/end_tries.py` decides."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.decisions.end_tries import lose_try
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class RecoverTaskInstances:
    """Takes over what dead processes held."""

    store: Store
    batch_size: int = 10
    name: RoutineName = RoutineName.RECOVER_TASK_INSTANCES

    async def step(self, now: datetime) -> Batch:
        """Recover the tries of one batch of dead processes."""
        return await self.store.recover_task_instances(lose_try, now=now, limit=self.batch_size)
