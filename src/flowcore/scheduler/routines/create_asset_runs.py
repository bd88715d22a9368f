"""Updates of assets → queued runs. `decisions/create_asset_runs.py` says what is due."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.decisions.create_asset_runs import asset_run
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class CreateAssetRuns:
    """Creates the runs of Dags that wait for assets."""

    store: Store
    batch_size: int = 100
    name: RoutineName = RoutineName.CREATE_ASSET_RUNS

    async def step(self, now: datetime) -> Batch:
        """Look at one batch of Dags that have news."""
        return await self.store.create_asset_runs(asset_run, now=now, limit=self.batch_size)
