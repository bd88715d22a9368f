"""Runs and task instances as a task sees them when it asks for them. Times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from flowcore.domain.states import DagRunState, TaskInstanceState


@attrs.frozen(kw_only=True)
class DagRun:
    """A run of a Dag; `conf` is what it was triggered with.

    `partition_key` is what it deals with, if the Dag has a run per partition, and `partition_date` the
    beginning of the period that this stands for.
    """

    dag_id: str
    run_id: str
    run_type: str
    state: DagRunState
    run_after: datetime
    logical_date: datetime | None = None
    data_interval_start: datetime | None = None
    data_interval_end: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    conf: Mapping[str, Any] = attrs.field(factory=dict)
    partition_key: str | None = None
    partition_date: datetime | None = None


@attrs.frozen(kw_only=True)
class FollowedRun(DagRun):
    """What listeners are told of a run."""

    id: int
    queued_at: datetime
    version_number: int


@attrs.frozen(kw_only=True)
class PastTaskInstance:
    """A task instance of a run; its current try."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    state: TaskInstanceState | None = None
    logical_date: datetime | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None

    @property
    def duration(self) -> float | None:
        """Seconds that the try took; None while it is under way."""
        if self.start_date is None or self.end_date is None:
            return None
        return (self.end_date - self.start_date) / timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class RunFilter:
    """Which runs of a Dag are meant: None leaves it open."""

    dag_id: str
    run_ids: tuple[str, ...] | None = None
    logical_dates: tuple[datetime, ...] | None = None
    states: tuple[str, ...] | None = None


@attrs.frozen(kw_only=True)
class TaskInstanceFilter:
    """Which task instances of a Dag are meant: None leaves it open. `states` may hold "none" for no state."""

    dag_id: str
    run_ids: tuple[str, ...] | None = None
    logical_dates: tuple[datetime, ...] | None = None
    task_ids: tuple[str, ...] | None = None
    map_index: int | None = None
    states: tuple[str, ...] | None = None
