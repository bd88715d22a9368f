"""`BaseSensorOperator`: tasks that wait for something, by looking for it again and again.

A sensor waits on the event loop, where it costs an object between two looks. A `poke` that is a function
looks from a worker thread, an `apoke` that is a coroutine from the loop itself. Only subclasses that have an
`execute` of their own hold on to a process or thread while they wait. With `mode="reschedule"` a sensor is
gone between two looks, and its slots are free for others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import anyio
import anyio.to_thread
import attrs

from flowcore.errors import DagError
from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import AirflowSensorTimeout, TaskFailed, TaskRescheduled, TaskSkipped
from flowcore.sdk.operators import BaseOperator

log = logging.getLogger(__name__)

#: Seven days, as in Airflow.
TIMEOUT_S = 7 * 24 * 3600.0


class SensorMode(StrEnum):
    """Where a sensor is between two looks."""

    POKE = "poke"
    RESCHEDULE = "reschedule"


@attrs.frozen
class PokeReturnValue:
    """What a look found out: whether the wait is over, and then what the task returns."""

    is_done: bool
    xcom_value: Any = None

    def __bool__(self) -> bool:
        return self.is_done


class BaseSensorOperator(BaseOperator):
    """Waits until `poke`, or `apoke` for coroutines, says that the wait is over.

    Args:
        task_id: See `BaseOperator`.
        poke_interval: The time between two looks, as a timedelta or in seconds.
        timeout: How long to wait in all; then the task fails for good. With `reschedule` that includes the
            waits of earlier tries.
        mode: `poke` keeps the slots of the task while it waits; `reschedule` gives them up, and does not
            survive in memory: each look begins anew. Use it for waits of minutes and more.
        soft_fail: Skip the task where it would fail for good.
        exponential_backoff: Double the time between two looks after each of them.
        max_wait: The longest time between two looks.
        silent_fail: Log what a look raises, and go on.
        never_fail: Skip the task when a look raises.
        deferrable: Changes nothing, and is here for Dag files of Airflow: what a sensor holds while it waits
            follows from `mode`, and a coroutine holds no process anyway.
        arguments: See `BaseOperator`.

    Raises:
        DagError: a duration is negative, or the arguments contradict each other.
    """

    def __init__(
        self,
        task_id: str,
        *,
        poke_interval: timedelta | float = 60.0,
        timeout: timedelta | float = TIMEOUT_S,
        mode: str = SensorMode.POKE,
        soft_fail: bool = False,
        exponential_backoff: bool = False,
        max_wait: timedelta | float | None = None,
        silent_fail: bool = False,
        never_fail: bool = False,
        deferrable: bool = False,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        if soft_fail and never_fail:
            raise DagError(f"task {self.task_id!r} has soft_fail and never_fail; give one of them")
        if mode not in set(SensorMode):
            raise DagError(f"task {self.task_id!r} has mode={mode!r}; use 'poke' or 'reschedule'")
        self.mode = SensorMode(mode)
        self.poke_interval, self.timeout = self._seconds(poke_interval), self._seconds(timeout)
        self.max_wait = None if max_wait is None else self._seconds(max_wait)
        self.exponential_backoff = exponential_backoff
        self.soft_fail, self.silent_fail, self.never_fail = soft_fail, silent_fail, never_fail

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once, blocking; whether the wait is over."""
        raise NotImplementedError

    async def apoke(self, context: Context) -> bool | PokeReturnValue:
        """Look once, on the event loop; by default `poke` is called in a worker thread."""
        return await anyio.to_thread.run_sync(self.poke, context, abandon_on_cancel=True)

    def execute(self, context: Context) -> Any:
        """Wait, blocking; for subclasses that are functions."""
        for wait_s in self._waits_s():
            try:
                found = self.poke(context)
            except Exception as error:
                found = self._take(error)
            if found:
                return _value(found)
            if self.reschedule:
                raise self._put_off(context)
            time.sleep(wait_s)
        raise self._timed_out()

    async def aexecute(self, context: Context) -> Any:
        """Wait; returns the `xcom_value` of the last look."""
        for wait_s in self._waits_s():
            try:
                found = await self.apoke(context)
            except Exception as error:
                found = self._take(error)
            if found:
                return _value(found)
            if self.reschedule:
                raise self._put_off(context)
            await anyio.sleep(wait_s)
        raise self._timed_out()

    @property
    def reschedule(self) -> bool:
        """Whether it is gone between two looks."""
        return self.mode is SensorMode.RESCHEDULE

    @property
    def has_work(self) -> bool:
        return _overrides(self, "poke") or _overrides(self, "apoke")

    def _waits_s(self) -> Iterator[float]:
        """The time until each further look, until the timeout is over."""
        end = time.monotonic() + self.timeout
        wait_s = self.poke_interval
        yield wait_s
        while time.monotonic() <= end:
            wait_s = wait_s * 2 if self.exponential_backoff else wait_s
            yield wait_s if self.max_wait is None else min(wait_s, self.max_wait)

    def _put_off(self, context: Context, *, until: datetime | None = None) -> Exception:
        """What ends a look that was in vain: the next one is due later, `until` if that is known."""
        now = datetime.now(UTC)
        since = context["ti"].get_first_reschedule_date(context) or context["ti"].start_date
        waited_s = (now - since).total_seconds()
        if waited_s > self.timeout:
            return self._timed_out()
        # Doubled waits add up to the last of them, less one interval; so nothing has to be counted.
        wait_s = self.poke_interval + (waited_s if self.exponential_backoff else 0)
        wait_s = wait_s if self.max_wait is None else min(wait_s, self.max_wait)
        at = now + timedelta(seconds=wait_s) if until is None else until
        return TaskRescheduled(min(at, since + timedelta(seconds=self.timeout, microseconds=1)))

    def _take(self, error: Exception) -> bool:
        """Go on after a look that raised, or raise what becomes of the task."""
        if isinstance(error, TaskSkipped | TaskRescheduled):
            raise error
        if self.never_fail or (self.soft_fail and isinstance(error, TaskFailed)):
            raise TaskSkipped(f"the sensor's look failed: {error}") from error
        if not self.silent_fail or isinstance(error, TaskFailed):
            raise error
        log.error("the sensor's look failed", exc_info=error)
        return False

    def _timed_out(self) -> Exception:
        message = (
            f"what the sensor waits for has not come in {self.timeout:g} s; see why, or give a longer timeout"
        )
        return TaskSkipped(message) if self.soft_fail else AirflowSensorTimeout(message)

    def _seconds(self, given: timedelta | float) -> float:
        seconds = given.total_seconds() if isinstance(given, timedelta) else float(given)
        if not seconds >= 0:
            raise DagError(
                f"task {self.task_id!r} has a duration of {given!r}; give one that is not negative"
            )
        return seconds


def _value(found: bool | PokeReturnValue) -> Any:
    return found.xcom_value if isinstance(found, PokeReturnValue) else None


def _overrides(sensor: BaseSensorOperator, name: str) -> bool:
    return getattr(type(sensor), name) is not getattr(BaseSensorOperator, name)
