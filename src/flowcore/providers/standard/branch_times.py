"""Branches that choose by the day or the time: of the present, or of the run's logical date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from flowcore.compat.airflow_weekday import WeekDay
from flowcore.errors import DagError
from flowcore.providers.standard.time_sensors import day_looked_at, days_of
from flowcore.sdk.branching import BaseBranchOperator, Choice
from flowcore.sdk.context import Context


class _TimeBranch(BaseBranchOperator):
    """Follows one choice when what it asks is true, and another one otherwise."""

    def __init__(
        self,
        task_id: str,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        use_task_logical_date: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.use_task_logical_date = use_task_logical_date

    def is_true(self, context: Context) -> bool:
        raise NotImplementedError

    def choose_branch(self, context: Context) -> Choice:
        return self.follow_task_ids_if_true if self.is_true(context) else self.follow_task_ids_if_false

    async def aexecute(self, context: Context) -> Any:
        # Without a process: there is nothing in it that takes time.
        return self.do_branch(context, self.choose_branch(context))

    @property
    def _zone(self) -> tzinfo:
        return self.dag.timezone if self.dag else UTC


class BranchDayOfWeekOperator(_TimeBranch):
    """Chooses by the day of the week, in the Dag's zone: a name, a `WeekDay`, or several."""

    def __init__(
        self, task_id: str, *, week_day: str | WeekDay | Iterable[str | WeekDay], **arguments: Any
    ) -> None:
        super().__init__(task_id, **arguments)
        self.week_day = week_day
        self._days = days_of(self.task_id, week_day)

    def is_true(self, context: Context) -> bool:
        return day_looked_at(context, self._zone, logical=self.use_task_logical_date) in self._days


class BranchDateTimeOperator(_TimeBranch):
    """Chooses by whether it is between `target_lower` and `target_upper`, both included.

    Each is a datetime or a time of the day, in the Dag's zone unless it has one, or None for no limit. A
    time of the day that is before the lower one is that of the next day.

    Raises:
        DagError: there is no limit at all.
    """

    def __init__(
        self,
        task_id: str,
        *,
        target_lower: datetime | time | None,
        target_upper: datetime | time | None,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        if target_lower is None and target_upper is None:
            raise DagError(
                f"task {self.task_id!r} has neither target_lower nor target_upper; give one of them"
            )
        self.target_lower, self.target_upper = target_lower, target_upper

    def is_true(self, context: Context) -> bool:
        moment = context["logical_date"] if self.use_task_logical_date else datetime.now(UTC)
        return is_between(moment, self.target_lower, self.target_upper, zone=self._zone)


def is_between(
    moment: datetime, lower: datetime | time | None, upper: datetime | time | None, *, zone: tzinfo
) -> bool:
    """Whether an aware moment is between the two; what has no zone is in `zone`."""
    begin, end = _moment_of(lower, moment, zone), _moment_of(upper, moment, zone)
    if begin is not None and end is not None and end < begin and isinstance(upper, time):
        end += timedelta(days=1)
    return (begin is None or begin <= moment) and (end is None or moment <= end)


def _moment_of(limit: datetime | time | None, moment: datetime, zone: tzinfo) -> datetime | None:
    if limit is None:
        return None
    own_zone = limit.tzinfo or zone
    if isinstance(limit, datetime):
        return limit.replace(tzinfo=own_zone)
    return datetime.combine(moment.astimezone(own_zone).date(), limit.replace(tzinfo=own_zone))
