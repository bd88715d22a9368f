"""Decide which Dag runs are due by a Dag's timetable, and when the next one will be."""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable


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
    """Follow the timetable from `last_interval` to `now`, for at most `limit` runs."""
    runs: list[DagRunInfo] = []
    while True:
        coming = timetable.next_dagrun_info(
            last_automated_data_interval=last_interval, restriction=restriction, now=now
        )
        if coming is None or coming.run_after > now or len(runs) >= limit:
            return DueRuns(tuple(runs), coming, last_interval)
        runs.append(coming)
        last_interval = coming.data_interval
