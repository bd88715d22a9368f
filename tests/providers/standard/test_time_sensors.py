from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from flowcore.errors import DagError
from flowcore.providers.standard.time_sensors import (
    DateTimeSensor,
    DayOfWeekSensor,
    TimeDeltaSensor,
    TimeSensor,
    WaitSensor,
)
from flowcore.sdk import DAG
from tests.support.dag_runs import run_task

TODAY = datetime.now(UTC).isoweekday()
OTHER_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
del OTHER_DAYS[TODAY - 1]


def make(kind, **arguments):
    with DAG("d") as dag:
        kind("wait", poke_interval=0.001, **arguments)
    return dag


@pytest.mark.parametrize(
    ("kind", "past", "future"),
    [
        (DateTimeSensor, {"target_time": "2020-01-01"}, {"target_time": "2999-01-01T00:00:00+01:00"}),
        (
            DateTimeSensor,
            {"target_time": datetime(2020, 1, 1, tzinfo=UTC)},
            {"target_time": "{{ '2999' }}-01-01"},
        ),
        (TimeSensor, {"target_time": time(0)}, {"target_time": time(23, 59, 59, 999_999)}),
        (TimeDeltaSensor, {"delta": timedelta(0)}, {"delta": timedelta(days=1)}),
    ],
)
async def test_the_past_is_over_and_the_future_is_not(kind, past, future):
    assert (await run_task(make(kind, **past))).state == "success"
    assert (await run_task(make(kind, timeout=0, soft_fail=True, **future))).state == "skipped"


async def test_moment_that_comes_is_slept_for():
    soon = datetime.now(UTC) + timedelta(milliseconds=50)
    ended = await run_task(make(DateTimeSensor, target_time=soon))
    assert (ended.state, datetime.now(UTC) >= soon) == ("success", True)


async def test_day_of_the_week_is_waited_for():
    today = datetime.now(UTC).strftime("%A")
    assert (await run_task(make(DayOfWeekSensor, week_day=today))).state == "success"
    other = make(DayOfWeekSensor, week_day=OTHER_DAYS, timeout=0, soft_fail=True)
    assert (await run_task(other)).state == "skipped"


async def test_wait_sensor_waits_from_its_start():
    assert (await run_task(make(WaitSensor, time_to_wait=0.01))).state == "success"


def test_day_that_is_none_is_refused():
    with pytest.raises(DagError, match="task 'wait': 'blursday' is no day of the week"):
        make(DayOfWeekSensor, week_day="blursday")


def test_target_time_that_is_none_is_refused():
    with pytest.raises(DagError, match="target_time=3; give a datetime"):
        make(DateTimeSensor, target_time=3)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(TimeDeltaSensor, {"delta": 0.05}), (WaitSensor, {"time_to_wait": 0.05})],
)
async def test_moment_is_come_back_for(kind, arguments):
    assert (await run_task(make(kind, mode="reschedule", **arguments))).state == "success"
