"""A task instance that nothing holds up, to be changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from flowcore.domain.dags import Task
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.scheduler.decisions.situations import PoolSituation, RunSituation, Situation

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULED = TaskInstanceState.SCHEDULED
RUN = RunSituation(
    state=DagRunState.RUNNING,
    queued_at=NOW - timedelta(seconds=100),
    run_after=NOW - timedelta(seconds=100),
    start_date=NOW - timedelta(seconds=90),
    running_runs=1,
    max_active_runs=16,
    is_paused=False,
    is_active=True,
    max_active_tasks=16,
    active_tasks=0,
)
FREE = Situation(
    now=NOW,
    task=Task(task_id="load", position=0, max_active_tis_per_dag=2, max_active_tis_per_dagrun=1),
    pool="small",
    pool_slots=2,
    state=SCHEDULED,
    run=RUN,
    slots=PoolSituation(slots=4, used=0),
    schedulers=1,
    scheduled_at=NOW - timedelta(seconds=60),
)


def situation(run: dict[str, Any] | None = None, **fields: Any) -> Situation:
    """Change fields of `FREE`, and of its run."""
    return attrs.evolve(FREE, run=attrs.evolve(RUN, **(run or {})), **fields)
