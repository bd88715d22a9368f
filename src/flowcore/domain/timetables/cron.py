"""Timetables of a cron expression: a run at each tick, or a run for each interval between two ticks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.cron_expressions import parse_cron
from flowcore.domain.timetables.moments import next_interval, next_trigger
from flowcore.domain.timetables.ticks import Ticks
from flowcore.domain.timetables.zones import zone_name, zone_of

#: A tick so long ago, or a tenth of the gap between ticks if that is more, is not too late for a first run.
_GRACE = timedelta(minutes=5)


def _expression(text: str) -> str:
    return parse_cron(text).text


def dump_immediately(run_immediately: bool | timedelta | None) -> bool | float:
    """How `run_immediately` stands in a document: a flag, or seconds."""
    return (
        run_immediately.total_seconds() if isinstance(run_immediately, timedelta) else bool(run_immediately)
    )


def load_immediately(stored: bool | float) -> bool | timedelta:
    """The reverse of `dump_immediately`."""
    return stored if isinstance(stored, bool) else timedelta(seconds=stored)


@attrs.frozen(slots=False)
class CronTriggerTimetable:
    """A run at each tick of the expression, for the `interval` before it (by default an empty one).

    `run_immediately` concerns the first run of a Dag without start date: True starts it at the last
    tick, a `timedelta` does so if the tick is no longer ago than that, and False if it is no longer
    ago than a tenth of the gap between the ticks or five minutes. Otherwise the next tick is first.

    A wrong expression or time zone is a `DagError`.
    """

    cron: str = attrs.field(converter=_expression)
    timezone: str = attrs.field(converter=zone_name, kw_only=True)
    interval: timedelta = attrs.field(default=timedelta(), kw_only=True)
    run_immediately: bool | timedelta | None = attrs.field(default=False, kw_only=True)

    type: ClassVar = "cron_trigger"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    @cached_property
    def _ticks(self) -> Ticks:
        return Ticks(parse_cron(self.cron), zone_of(self.timezone))

    @property
    def summary(self) -> str:
        return self.cron

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return next_trigger(
            self._ticks,
            interval=self.interval,
            last=last_automated_data_interval,
            restriction=restriction,
            first=self._first_moment(now),
            now=now,
        )

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval(run_after - self.interval, run_after)

    def serialize(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "cron": self.cron,
            "timezone": self.timezone,
            "interval_s": self.interval.total_seconds(),
            "run_immediately": dump_immediately(self.run_immediately),
        }

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            document["cron"],
            timezone=document["timezone"],
            interval=timedelta(seconds=document["interval_s"]),
            run_immediately=load_immediately(document["run_immediately"]),
        )

    def _first_moment(self, now: datetime) -> datetime:
        past, following = self._ticks.at_or_before(now), self._ticks.at_or_after(now)
        if self.run_immediately is True:
            return past
        if isinstance(self.run_immediately, timedelta):
            grace = self.run_immediately
        else:
            grace = max((following - past) / 10, _GRACE)
        return past if now - past <= grace else following


@attrs.frozen(slots=False)
class CronDataIntervalTimetable:
    """A run for each interval between two ticks of the expression, due when the interval is over.

    A wrong expression or time zone is a `DagError`.
    """

    cron: str = attrs.field(converter=_expression)
    timezone: str = attrs.field(converter=zone_name)

    type: ClassVar = "cron_data_interval"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    @cached_property
    def _ticks(self) -> Ticks:
        return Ticks(parse_cron(self.cron), zone_of(self.timezone))

    @property
    def summary(self) -> str:
        return self.cron

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return next_interval(
            self._ticks,
            last=last_automated_data_interval,
            restriction=restriction,
            newest_start=self.infer_manual_data_interval(run_after=now).start,
        )

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        """The last interval that is complete at `run_after`."""
        end = self._ticks.at_or_before(run_after)
        return DataInterval(self._ticks.before(end), end)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type, "cron": self.cron, "timezone": self.timezone}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(document["cron"], document["timezone"])
