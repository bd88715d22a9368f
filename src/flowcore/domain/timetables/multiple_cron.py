"""The timetable of several cron expressions: a run whenever one or more of them have a tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.cron import CronTriggerTimetable, dump_immediately, load_immediately
from flowcore.errors import DagError


@attrs.frozen(init=False)
class MultipleCronTriggerTimetable:
    """The union of `CronTriggerTimetable`s that share everything but the expression."""

    timetables: tuple[CronTriggerTimetable, ...]

    type: ClassVar = "multiple_cron_trigger"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    def __init__(
        self,
        *crons: str,
        timezone: str | tzinfo,
        interval: timedelta = timedelta(),
        run_immediately: bool | timedelta | None = False,
    ) -> None:
        if not crons:
            raise DagError("a MultipleCronTriggerTimetable has no expression; give it at least one")
        timetables = tuple(
            CronTriggerTimetable(cron, timezone=timezone, interval=interval, run_immediately=run_immediately)
            for cron in crons
        )
        self.__attrs_init__(timetables)

    @property
    def summary(self) -> str:
        return ", ".join(timetable.summary for timetable in self.timetables)

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        infos = [
            timetable.next_dagrun_info(
                last_automated_data_interval=last_automated_data_interval, restriction=restriction, now=now
            )
            for timetable in self.timetables
        ]
        candidates = sorted((info for info in infos if info is not None), key=lambda info: info.run_after)
        due = [info for info in candidates if info.run_after <= now]
        if due and not restriction.catchup:
            return due[-1]
        return candidates[0] if candidates else None

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return self.timetables[0].infer_manual_data_interval(run_after=run_after)

    def serialize(self) -> dict[str, Any]:
        first = self.timetables[0]
        return {
            "type": self.type,
            "crons": [timetable.cron for timetable in self.timetables],
            "timezone": first.timezone,
            "interval_s": first.interval.total_seconds(),
            "run_immediately": dump_immediately(first.run_immediately),
        }

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            *document["crons"],
            timezone=document["timezone"],
            interval=timedelta(seconds=document["interval_s"]),
            run_immediately=load_immediately(document["run_immediately"]),
        )
