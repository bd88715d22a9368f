"""The timetables without a rhythm: never, once, and always again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction


@attrs.frozen
class NullTimetable:
    """Never: runs are triggered from outside only."""

    type: ClassVar = "null"
    summary: ClassVar = "None"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = False

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        return None

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls()


@attrs.frozen
class OnceTimetable:
    """One run, at the start date or else at once."""

    type: ClassVar = "once"
    summary: ClassVar = "@once"
    active_runs_limit: ClassVar = None
    is_periodic: ClassVar = False

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        moment = restriction.earliest or now
        is_too_late = restriction.latest is not None and restriction.latest < moment
        if last_automated_data_interval is not None or is_too_late:
            return None
        return DagRunInfo.at_end_of(DataInterval.exact(moment))

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls()


@attrs.frozen
class ContinuousTimetable:
    """One run after the other, each for the time since the one before; never two at once."""

    type: ClassVar = "continuous"
    summary: ClassVar = "@continuous"
    active_runs_limit: ClassVar[int | None] = 1
    is_periodic: ClassVar = False

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        start = _continuous_start(last_automated_data_interval, restriction, now)
        end = max(start, now)
        if restriction.latest is not None and restriction.latest < end:
            return None
        return DagRunInfo.at_end_of(DataInterval(start, end))

    def infer_manual_data_interval(self, *, run_after: datetime) -> DataInterval:
        return DataInterval.exact(run_after)

    def serialize(self) -> dict[str, Any]:
        return {"type": self.type}

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls()


def _continuous_start(last: DataInterval | None, restriction: TimeRestriction, now: datetime) -> datetime:
    if last is None:
        return restriction.earliest or now
    # After an empty interval the next one must not begin at the same moment: no logical date twice.
    return last.end if last.start < last.end else last.end + datetime.resolution
