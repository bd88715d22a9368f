"""Backfills: the runs that a schedule asks for between two dates, made up for on request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import attrs

#: How many runs of a backfill may run at the same time, unless it says otherwise.
MAX_ACTIVE_RUNS = 10


class ReprocessBehavior(StrEnum):
    """Which runs that are there already run again."""

    NONE = "none"
    FAILED = "failed"
    COMPLETED = "completed"  # those that failed and those that succeeded


@attrs.frozen(kw_only=True)
class BackfillRequest:
    """What somebody wants: the runs whose data intervals begin between two dates, both included.

    `max_active_runs` is independent of the Dag's. `run_backwards` starts the newest first. `conf` is what
    the runs are given; None leaves that of runs that are there. `latest_version` moves these to the
    newest version of the Dag.
    """

    dag_id: str
    from_date: datetime
    to_date: datetime
    max_active_runs: int = MAX_ACTIVE_RUNS
    run_backwards: bool = False
    reprocess_behavior: ReprocessBehavior = ReprocessBehavior.NONE
    conf: Mapping[str, Any] | None = None
    latest_version: bool = False


class BackfillAction(StrEnum):
    """What a backfill does about a date."""

    CREATE = "create"
    REPROCESS = "reprocess"
    #: Left alone: the run has not ended, or is not to run again.
    IN_FLIGHT = "in flight"
    ALREADY_EXISTS = "already exists"
