"""Timetables of a fixed period of time: a run at each step, or a run for each interval between two steps.

The steps have no grid of their own: each counts from the last run, the first from the start date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.moments import next_interval, next_trigger
from flowcore.errors import DagError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _positive(delta: timedelta) -> timedelta:
    if delta <= timedelta():
        raise DagError(f"the schedule {delta} must be positive; use a timedelta of more than 0")
    return delta


@attrs.frozen
class Steps:
    """The moments that follow any moment at a fixed distance."""

    delta: timedelta

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

    delta: timedelta = attrs.field(converter=_positive)
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
        return {"type": self.type, "delta_s": self.delta.total_seconds(), "interval_s": interval_s}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        interval = timedelta(seconds=document["interval_s"])
        return cls(timedelta(seconds=document["delta_s"]), interval=interval)


@attrs.frozen
class DeltaDataIntervalTimetable:
    """A run for each interval of length `delta`, due when the interval is over.

    A period that is not positive is a `DagError`.
    """

    delta: timedelta = attrs.field(converter=_positive)

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
        # Catching up is cut short on whole multiples of the period, as in Airflow.
        rounded = now - (now - _EPOCH) % self.delta
        return next_interval(
            Steps(self.delta),
            last=last_automated_data_interval,
            restriction=restriction,
            newest_start=rounded - self.delta,
        )

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval(run_after - self.delta, run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type, "delta_s": self.delta.total_seconds()}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(timedelta(seconds=document["delta_s"]))
