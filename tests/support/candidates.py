"""Candidates for the decision about who is queued."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flowcore.domain.dags import Task
from flowcore.scheduler.decisions.candidates import Candidate

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def candidate(
    number: int,
    *,
    dag_id: str = "etl",
    run: int = 1,
    max_active_tasks: int = 0,
    waits_s: float = 0,
    is_contended: bool = False,
    **task: Any,
) -> Candidate:
    """Candidate number so-and-so, which is also its place in the Dag; `task` are fields of its task."""
    of = Task(task_id=task.pop("task_id", "a"), position=number, pool=task.pop("pool", "p"), **task)
    return Candidate(
        task_instance_id=number,
        dag_id=dag_id,
        dag_run_id=run,
        task=of,
        map_index=-1,
        pool=of.pool,
        pool_slots=of.pool_slots,
        priority_weight=of.priority_weight,
        run_date=NOW,
        scheduled_at=NOW - timedelta(seconds=waits_s),
        executor="local",
        max_active_tasks=max_active_tasks,
        is_contended=is_contended,
    )
