"""The timetables of runs for a partition whose key is a time, or is given by whoever triggers the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import attrs

from flowcore.domain.partitions.base import Partition
from flowcore.domain.partitions.temporal import KEY_FORMAT
from flowcore.domain.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from flowcore.domain.timetables.cron import CronTriggerTimetable, dump_immediately, load_immediately
from flowcore.domain.timetables.simple import NullTimetable
from flowcore.domain.timetables.zones import zone_of
from flowcore.errors import DagError


def _offset(offset: object) -> int:
    if not isinstance(offset, int | None):
        raise DagError(f"run_offset={offset!r} is no number of ticks; use a whole number")
    return offset or 0


@attrs.frozen(slots=False)
class CronPartitionTimetable(CronTriggerTimetable):
    """A run at each tick of the expression, for the partition of the tick that is `run_offset` ticks later.

    That is the tick itself by default, and an earlier one if it is negative. The key is the time in
    `timezone`, written by `key_format`.
    """

    interval: timedelta = attrs.field(default=timedelta(), init=False)
    run_offset: int = attrs.field(default=0, converter=_offset, kw_only=True)
    key_format: str = attrs.field(default=KEY_FORMAT, kw_only=True)

    type: ClassVar = "cron_partition"

    def next_dagrun_info(
        self,
        *,
        last_automated_data_interval: DataInterval | None,
        restriction: TimeRestriction,
        now: datetime,
    ) -> DagRunInfo | None:
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction, now=now
        )
        if info is None:
            return None
        partition = self._partition_at(info.run_after)
        return attrs.evolve(info, partition_key=partition.key, partition_date=partition.date)

    def _partition_at(self, tick: datetime) -> Partition:
        step = self._ticks.after if self.run_offset > 0 else self._ticks.before
        for _ in range(abs(self.run_offset)):
            tick = step(tick)
        return Partition(tick.astimezone(zone_of(self.timezone)).strftime(self.key_format), tick)

    def partition(self, run_key: str) -> Partition:
        """The partition of a key that somebody gives.

        Raises:
            ValueError: it is not written by `key_format`.
        """
        local = datetime.strptime(run_key, self.key_format)  # noqa: DTZ007
        aware = local if local.tzinfo else local.replace(tzinfo=zone_of(self.timezone))
        return Partition(run_key, aware.astimezone(UTC))

    def serialize(self) -> dict[str, Any]:
        return {
            "type": self.type,
            "cron": self.cron,
            "timezone": self.timezone,
            "run_immediately": dump_immediately(self.run_immediately),
            "run_offset": self.run_offset,
            "key_format": self.key_format,
        }

    @classmethod
    def deserialize(cls, document: Mapping[str, Any]) -> Self:
        return cls(
            document["cron"],
            timezone=document["timezone"],
            run_immediately=load_immediately(document["run_immediately"]),
            run_offset=document["run_offset"],
            key_format=document["key_format"],
        )


@attrs.frozen
class PartitionedAtRuntime(NullTimetable):
    """Never: who triggers a run gives the key, or its tasks add keys to what they update."""

    type: ClassVar = "partitioned_at_runtime"
    summary: ClassVar = "PartitionedAtRuntime"
