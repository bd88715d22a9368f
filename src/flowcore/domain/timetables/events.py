"""The timetable of a list of moments."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.errors import DagError


def _sorted_once(events: Iterable[datetime]) -> tuple[datetime, ...]:
    moments = set(events)
    for moment in moments:
        if moment.tzinfo is None:
            raise DagError(f"the event {moment} has no time zone; give it a tzinfo")
    return tuple(sorted(moment.astimezone(UTC) for moment in moments))


@attrs.frozen
class EventsTimetable:
    """A run at each of the events, in their order; one that is listed twice counts once.

    With `restrict_to_events` a run that is triggered by hand is dated by the latest event up to then,
    or by the first. An event without time zone is a `DagError`.
    """

    event_dates: tuple[datetime, ...] = attrs.field(converter=_sorted_once)
    restrict_to_events: bool = False
    description: str | None = attrs.field(default=None, kw_only=True)

    type: ClassVar = "events"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = True

    @property
    def summary(self) -> str:
        return self.description or f"{len(self.event_dates)} events"

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        index = 0
        if last_automated_data_interval is not None:
            index = bisect_right(self.event_dates, last_automated_data_interval.end)
        if restriction.earliest is not None:
            index = max(index, bisect_left(self.event_dates, restriction.earliest))
        if not restriction.catchup:
            index = max(index, bisect_left(self.event_dates, now))
        if index == len(self.event_dates):
            return None
        event = self.event_dates[index]
        is_too_late = restriction.latest is not None and restriction.latest < event
        return None if is_too_late else DagRunInfo.at_end_of(DataInterval.exact(event))

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        if not self.restrict_to_events or not self.event_dates:
            return DataInterval.exact(run_after)
        index = bisect_right(self.event_dates, run_after)
        return DataInterval.exact(self.event_dates[max(index - 1, 0)])

    def serialize(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "event_dates": [moment.isoformat() for moment in self.event_dates],
            "restrict_to_events": self.restrict_to_events,
            "description": self.description,
        }

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            [datetime.fromisoformat(text) for text in document["event_dates"]],
            document["restrict_to_events"],
            description=document["description"],
        )
