"""Due timetables → queued runs. `decisions/create_dag_runs.py` says what is due."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.scheduler.decisions.create_dag_runs import due_dag_runs
from flowcore.scheduler.store import Batch, Store
from flowcore.scheduler.wake_graph import RoutineName


@attrs.frozen
class CreateDagRuns:
    """Creates the runs that timetables ask for."""

    store: Store
    batch_size: int = 100
    name: RoutineName = RoutineName.CREATE_DAG_RUNS

    async def step(self, now: datetime) -> Batch:
        """Create what is due of one batch of Dags."""
        return await self.store.create_dag_runs(due_dag_runs, now=now, limit=self.batch_size)
