"""Queued runs → running, under max_active_runs. `decisions/start_dag_runs.py` chooses."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.decisions.start_dag_runs import choose_dag_runs
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class StartDagRuns:
    """Starts queued runs."""

    store: Store
    batch_size: int = 100
    name: RoutineName = RoutineName.START_DAG_RUNS

    async def step(self, now: datetime) -> Batch:
        """Start one batch of runs."""
        return await self.store.start_dag_runs(choose_dag_runs, now=now, limit=self.batch_size)
