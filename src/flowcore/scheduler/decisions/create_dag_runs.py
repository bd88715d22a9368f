"""Decide which Dag runs are due by a Dag's timetable, and when the next one will be."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from flowcore.domain.timetables.following import follow


@attrs.frozen
class DueRuns:
    """Runs to create now, oldest first, the run that comes next, and the newest interval covered."""

    runs: tuple[DagRunInfo, ...]
    next_run: DagRunInfo | None
    last_interval: DataInterval | None


def due_dag_runs(
    timetable: Timetable,
    restriction: TimeRestriction,
    *,
    last_interval: DataInterval | None,
    now: datetime,
    limit: int,
) -> DueRuns:
    """Follow the timetable from `last_interval` to `now`, for at most `limit` runs.

    Raises:
        DagError: the timetable went wrong.
    """
    runs: list[DagRunInfo] = []
    for coming in follow(timetable, restriction, last_interval=last_interval, now=now):
        if coming.run_after > now or len(runs) >= limit:
            return DueRuns(tuple(runs), coming, last_interval)
        runs.append(coming)
        last_interval = coming.data_interval
    return DueRuns(tuple(runs), None, last_interval)
