"""Timetables of a fixed period of time: a run at each step, or a run for each interval between two steps.

The steps have no grid of their own: each counts from the last run, the first from the start date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.calendar import CalendarDelta, dump_delta, load_delta, read_delta
from flowcore.domain.timetables.moments import next_interval, next_trigger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Steps:
    """The moments that follow any moment at a fixed distance."""

    delta: timedelta | CalendarDelta

    def after(self, instant: datetime) -> datetime:
        return instant + self.delta

    def at_or_after(self, instant: datetime) -> datetime:
        return instant

    def at_or_before(self, instant: datetime) -> datetime:
        return instant


@attrs.frozen
class DeltaTriggerTimetable:
    """A run each `delta`, for the `interval` before it (by default an empty one).

    A period that is not positive is a `DagError`.
    """

    delta: timedelta | CalendarDelta = attrs.field(converter=read_delta)
    interval: timedelta = attrs.field(default=timedelta(), kw_only=True)

    type: ClassVar = "delta_trigger"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    @property
    def summary(self) -> str:
        return str(self.delta)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return next_trigger(
            Steps(self.delta),
            interval=self.interval,
            last=last_automated_data_interval,
            restriction=restriction,
            first=now,
            now=now,
        )

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval(run_after - self.interval, run_after)

    def serialize(self) -> dict[str, Any]:
        interval_s = self.interval.total_seconds()
        return {"type": self.type, **dump_delta(self.delta), "interval_s": interval_s}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        interval = timedelta(seconds=document["interval_s"])
        return cls(load_delta(document), interval=interval)


@attrs.frozen
class DeltaDataIntervalTimetable:
    """A run for each interval of length `delta`, due when the interval is over.

    A period that is not positive is a `DagError`.
    """

    delta: timedelta | CalendarDelta = attrs.field(converter=read_delta)

    type: ClassVar = "delta_data_interval"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    @property
    def summary(self) -> str:
        return str(self.delta)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        last = last_automated_data_interval
        return next_interval(
            Steps(self.delta),
            last=last,
            restriction=restriction,
            newest_start=self._newest_start(restriction.earliest if last is None else last.end, now),
        )

    def _newest_start(self, begin: datetime | None, now: datetime) -> datetime:
        """Where the newest interval starts that is over at `now`."""
        if isinstance(self.delta, timedelta):
            # Catching up is cut short on whole multiples of the period, as in Airflow.
            return now - (now - _EPOCH) % self.delta - self.delta
        if begin is None:
            return now - self.delta
        # Months have no multiples: one goes from each to the next.
        while (following := begin + self.delta) + self.delta <= now:
            begin = following
        return begin

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval(run_after - self.delta, run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type, **dump_delta(self.delta)}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(load_delta(document))
