"""What the `dag` row keeps of a Dag's schedule: the newest interval covered and the run that comes next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from flowcore.domain.dags import Dag
from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction


def restriction_of(dag: Dag) -> TimeRestriction:
    """Say when the Dag may run at all."""
    return TimeRestriction(earliest=dag.start_date, latest=dag.end_date, catchup=dag.catchup)


def last_interval_of(row: sa.Row[Any]) -> DataInterval | None:
    """Read the newest automated interval of a `dag` row."""
    if row.last_interval_start is None:
        return None
    return DataInterval(row.last_interval_start, row.last_interval_end)


def schedule_values(last: DataInterval | None, coming: DagRunInfo | None) -> dict[str, datetime | None]:
    """Return the columns of `dag` that describe its schedule."""
    interval = coming.data_interval if coming else None
    return {
        "last_interval_start": last.start if last else None,
        "last_interval_end": last.end if last else None,
        "next_run_after": coming.run_after if coming else None,
        "next_logical_date": coming.logical_date if coming else None,
        "next_interval_start": interval.start if interval else None,
        "next_interval_end": interval.end if interval else None,
    }
