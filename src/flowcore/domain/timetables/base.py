"""What every timetable offers, and the values it speaks in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, Self, runtime_checkable

import attrs

from flowcore.domain.partitions.base import Partition


@attrs.frozen
class DataInterval:
    """The stretch of time whose data a run deals with: from `start` up to, but not including, `end`."""

    start: datetime
    end: datetime

    @classmethod
    def exact(cls, moment: datetime) -> Self:
        """The empty interval of a run that deals with a moment."""
        return cls(moment, moment)


@attrs.frozen(kw_only=True)
class DagRunInfo:
    """A run that is due at `run_after`.

    `partition_key` is what it deals with, if the Dag has a run per partition, and `partition_date` the
    beginning of the period that this stands for.
    """

    run_after: datetime
    logical_date: datetime | None
    data_interval: DataInterval | None
    partition_key: str | None = None
    partition_date: datetime | None = None

    @property
    def partition(self) -> Partition | None:
        """What it deals with."""
        return None if self.partition_key is None else Partition(self.partition_key, self.partition_date)

    @classmethod
    def interval(cls, start: datetime, end: datetime) -> Self:
        """The run that is due when the interval from `start` to `end` is over."""
        return cls.at_end_of(DataInterval(start, end))

    @classmethod
    def exact(cls, moment: datetime) -> Self:
        """The run that is due at a moment and deals with nothing but it."""
        return cls.at_end_of(DataInterval.exact(moment))

    @classmethod
    def at_end_of(cls, interval: DataInterval) -> Self:
        """The run that is due when its data interval is over and is dated by its start."""
        return cls(run_after=interval.end, logical_date=interval.start, data_interval=interval)


@attrs.frozen(kw_only=True)
class TimeRestriction:
    """What a Dag says about its runs: none before `earliest`, none after `latest`, and whether to catch up.

    Without `catchup` a timetable passes over every run but the latest that is due.
    """

    earliest: datetime | None = None
    latest: datetime | None = None
    catchup: bool = False


@runtime_checkable
class Timetable(Protocol):
    """Says when the next run is due; equal arguments give equal answers."""

    @property
    def summary(self) -> str:
        """The schedule in a few characters, for lists."""
        ...

    @property
    def active_runs_limit(self) -> int | None:
        """How many runs of the Dag may be active at once; None leaves it to the Dag."""
        ...

    @property
    def is_periodic(self) -> bool:
        """Whether it asks for the same runs between two dates at any time: a backfill needs that."""
        ...

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        """The run that follows the last scheduled one, or the first; None if there is none (any more).

        The run may lie in the future: it must not be started before its `run_after`.
        """
        ...

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The data interval of a run that somebody triggers at that moment."""
        ...

    def serialize(self) -> dict[str, Any]:
        """A JSON document that `registry.load_timetable` turns into an equal timetable."""
        ...
