"""Sensors that wait for a time: they sleep until then, and look once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

import anyio

from flowcore.compat.airflow_weekday import WeekDay
from flowcore.errors import DagError
from flowcore.sdk.context import Context
from flowcore.sdk.sensors import BaseSensorOperator


class _MomentSensor(BaseSensorOperator):
    """Waits for a moment that is known from the beginning."""

    def _moment(self, context: Context) -> datetime:
        raise NotImplementedError

    def poke(self, context: Context) -> bool:
        return datetime.now(UTC) >= self._moment(context)

    async def aexecute(self, context: Context) -> Any:
        # Sleeping until the moment is cheaper and more punctual than looking again and again.
        wait_s = (self._moment(context) - datetime.now(UTC)).total_seconds()
        if self.reschedule and wait_s > 0:
            raise self._put_off(context, until=self._moment(context))
        await anyio.sleep(min(max(0.0, wait_s), self.timeout))
        return await super().aexecute(context)


class DateTimeSensor(_MomentSensor):
    """Waits until `target_time`, a datetime or an ISO text; without a zone it is in UTC."""

    template_fields = ("target_time",)

    def __init__(self, task_id: str, *, target_time: str | datetime, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        if not isinstance(target_time, str | datetime):
            raise DagError(
                f"task {self.task_id!r} has target_time={target_time!r}; give a datetime or a text"
            )
        # A text: templates are made of these.
        self.target_time = target_time if isinstance(target_time, str) else target_time.isoformat()

    def _moment(self, context: Context) -> datetime:
        moment = datetime.fromisoformat(self.target_time)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class TimeSensor(_MomentSensor):
    """Waits until `target_time` of the day on which the task runs, in the Dag's zone unless it has one."""

    def __init__(self, task_id: str, *, target_time: time, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        self.target_time = target_time

    def _moment(self, context: Context) -> datetime:
        zone = self.target_time.tzinfo or (self.dag.timezone if self.dag else UTC)
        return datetime.combine(datetime.now(zone).date(), self.target_time.replace(tzinfo=zone))


class TimeDeltaSensor(_MomentSensor):
    """Waits until `delta` after the end of the data interval, or after `run_after` where there is none."""

    template_fields = ("delta",)

    def __init__(self, task_id: str, *, delta: timedelta | float, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        self.delta = delta

    def _moment(self, context: Context) -> datetime:
        run = context["dag_run"]
        delta = self.delta if isinstance(self.delta, timedelta) else timedelta(seconds=float(self.delta))
        return (run.data_interval_end or run.run_after) + delta


class WaitSensor(BaseSensorOperator):
    """Waits for as long as `time_to_wait` says, from its start."""

    def __init__(self, task_id: str, *, time_to_wait: timedelta | float, **arguments: Any) -> None:
        super().__init__(task_id, **arguments)
        self.time_to_wait = self._seconds(time_to_wait)

    async def aexecute(self, context: Context) -> None:
        """Sleep."""
        since = context["ti"].get_first_reschedule_date(context) or context["ti"].start_date
        until = since + timedelta(seconds=self.time_to_wait)
        if not self.reschedule:
            await anyio.sleep(self.time_to_wait)
        elif until > datetime.now(UTC):
            raise self._put_off(context, until=until)

    @property
    def has_work(self) -> bool:
        return True


class DayOfWeekSensor(BaseSensorOperator):
    """Waits for a day of the week, in the Dag's zone: a name, a `WeekDay`, or several.

    With `use_task_logical_date` the day is that of the run's logical date.
    """

    def __init__(
        self,
        task_id: str,
        *,
        week_day: str | WeekDay | Iterable[str | WeekDay],
        use_task_logical_date: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.week_day, self.use_task_logical_date = week_day, use_task_logical_date
        self._days = days_of(self.task_id, week_day)

    async def apoke(self, context: Context) -> bool:
        zone = self.dag.timezone if self.dag else UTC
        return day_looked_at(context, zone, logical=self.use_task_logical_date) in self._days


def days_of(task_id: str, week_day: str | WeekDay | Iterable[str | WeekDay]) -> set[int]:
    """The numbers of the days, Monday being 1.

    Raises:
        DagError: one of them is no day of the week.
    """
    try:
        return WeekDay.validate_week_day(week_day)
    except AttributeError as error:
        raise DagError(f"task {task_id!r}: {error}") from None


def day_looked_at(context: Context, zone: tzinfo, *, logical: bool) -> int:
    """The number of the run's logical day, or of today; Monday is 1."""
    moment = context["logical_date"] if logical else datetime.now(UTC)
    return moment.astimezone(zone).isoweekday()
