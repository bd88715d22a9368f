"""The two kinds of timetable over a sequence of moments: a run at each, or a run for each gap between two.

Both are dated by the start of their data interval and due at its end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction


class Moments(Protocol):
    """A sequence of moments without end: `ticks.Ticks` of a cron expression, `delta.Steps` of a delta."""

    def after(self, instant: datetime) -> datetime: ...

    def at_or_after(self, instant: datetime) -> datetime: ...

    def at_or_before(self, instant: datetime) -> datetime: ...


def next_trigger(
    moments: Moments,
    *,
    interval: timedelta,
    last: DataInterval | None,
    restriction: TimeRestriction,
    first: datetime,
    now: datetime,
) -> DagRunInfo | None:
    """The run at the next moment; its data interval is the `interval` before that.

    Without catchup it is the latest moment up to now, unless that had its run or lies before the
    earliest. `first` is the first moment of a Dag that has neither a run nor a start date.
    """
    earliest = restriction.earliest
    started = first if earliest is None else moments.at_or_after(earliest)
    moment = started if last is None else moments.after(last.end)
    if not restriction.catchup:
        moment = max(moment, moments.at_or_before(now))
        moment = moment if earliest is None else max(moment, started)
    if restriction.latest is not None and restriction.latest < moment:
        return None
    return DagRunInfo.at_end_of(DataInterval(moment - interval, moment))


def next_interval(
    moments: Moments, *, last: DataInterval | None, restriction: TimeRestriction, newest_start: datetime
) -> DagRunInfo | None:
    """The run for the data interval that follows the last one, or for the first interval.

    Without catchup it is the one from `newest_start`, where the newest interval that is complete
    begins, unless that had its run or lies before the earliest.
    """
    starts = _lower_bounds(moments, restriction, newest_start)
    if last is not None:
        # The schedule may have changed since: the last end need not be one of the moments.
        starts.append(moments.at_or_before(last.end))
    if not starts:
        return None
    start = max(starts)
    if last is not None and start <= last.start:
        # The last interval was empty, or reaches over a moment of a new schedule: a logical date
        # must not come twice.
        start = moments.after(last.start)
    if restriction.latest is not None and restriction.latest < start:
        return None
    return DagRunInfo.at_end_of(DataInterval(start, moments.after(start)))


def _lower_bounds(moments: Moments, restriction: TimeRestriction, newest_start: datetime) -> list[datetime]:
    bounds = [] if restriction.catchup else [newest_start]
    if restriction.earliest is not None:
        bounds.append(moments.at_or_after(restriction.earliest))
    return bounds
