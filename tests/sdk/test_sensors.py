from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from flowcore.errors import DagError
from flowcore.providers.standard.time_sensors import TimeDeltaSensor
from flowcore.sdk import DAG, BaseSensorOperator, PokeReturnValue
from flowcore.sdk.exceptions import TaskFailed, TaskRescheduled
from tests.support.dag_runs import run_task


class Looks:
    """Answers look after look; an answer that is an exception is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def next(self):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Poking(BaseSensorOperator):
    def __init__(self, task_id, *, looks, **arguments):
        super().__init__(task_id, **arguments)
        self.looks = looks

    def poke(self, context):
        return self.looks.next()


class Apoking(Poking):
    async def apoke(self, context):
        return self.looks.next()


class Executing(Poking):
    """What a subclass for Airflow looks like."""

    def execute(self, context):
        return super().execute(context)


@pytest.fixture(params=[Poking, Apoking, Executing])
def sensor(request):
    """Makes a Dag of one sensor that finds these answers."""

    def make(*answers, **arguments):
        with DAG("d") as dag:
            request.param("wait", looks=Looks(*answers), poke_interval=0.001, **arguments)
        return dag

    return make


async def test_sensor_looks_until_the_wait_is_over(sensor):
    ended = await run_task(sensor(False, False, PokeReturnValue(True, "found"), False))
    assert (ended.state, ended.returned) == ("success", "found")


async def test_plain_truth_returns_nothing(sensor):
    ended = await run_task(sensor(True))
    assert (ended.state, ended.returned) == ("success", None)


async def test_timeout_fails_for_good(sensor):
    ended = await run_task(sensor(*[False] * 9, timeout=0, retries=3))
    assert (ended.state, "has not come in 0 s" in ended.error) == ("failed", True)


async def test_soft_fail_skips_instead(sensor):
    assert (await run_task(sensor(*[False] * 9, timeout=0, soft_fail=True))).state == "skipped"
    assert (await run_task(sensor(TaskFailed("no"), soft_fail=True))).state == "skipped"
    assert (await run_task(sensor(ValueError("no"), soft_fail=True))).state == "failed"


async def test_look_that_raises_fails_the_task(sensor):
    assert "ValueError: no" in (await run_task(sensor(ValueError("no")))).error


async def test_never_fail_skips_whatever_a_look_raises(sensor):
    assert (await run_task(sensor(ValueError("no"), never_fail=True))).state == "skipped"


async def test_silent_fail_logs_and_goes_on(sensor, caplog):
    caplog.set_level(logging.ERROR)
    assert (await run_task(sensor(ValueError("no"), True, silent_fail=True))).state == "success"
    assert "the sensor's look failed" in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [
        {"poke_interval": -1},
        {"timeout": timedelta(-1)},
        {"max_wait": -1},
        {"soft_fail": True, "never_fail": True},
        {"mode": "sleep"},
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments):
    with DAG("d"), pytest.raises(DagError, match="task 'wait' has"):
        Poking("wait", looks=Looks(), **arguments)


def test_waits_double_up_to_the_longest():
    sensor = Poking(
        "wait", looks=Looks(), poke_interval=1, max_wait=timedelta(seconds=5), exponential_backoff=True
    )
    waits = sensor._waits_s()
    assert [next(waits) for _ in range(5)] == [1, 2, 4, 5, 5]


def test_sensor_without_a_look_has_nothing_to_do():
    with DAG("d") as dag:
        BaseSensorOperator("wait")
    with pytest.raises(DagError, match="nothing to do"):
        dag.compile()


@pytest.mark.parametrize("arguments", [{}, {"exponential_backoff": True, "max_wait": 0.002}])
async def test_sensor_is_put_off_between_two_looks_and_each_begins_anew(sensor, arguments):
    dag = sensor(False, False, PokeReturnValue(True, "found"), mode="reschedule", **arguments)
    ended = await run_task(dag)
    assert (ended.state, ended.returned) == ("success", "found")


async def test_timeout_of_a_sensor_that_is_put_off_spans_its_looks(sensor):
    failed = await run_task(sensor(*[False] * 9, mode="reschedule", timeout=0, retries=3))
    assert (failed.state, "has not come in 0 s" in failed.error) == ("failed", True)
    assert (await run_task(sensor(*[False] * 9, mode="reschedule", timeout=0, soft_fail=True))).state == (
        "skipped"
    )


@attrs.frozen
class Waiting:
    """A `ti` that waits since then."""

    start_date: datetime
    waiting_since: datetime | None = None

    def get_first_reschedule_date(self, context):
        return self.waiting_since


@pytest.mark.parametrize(
    ("waited_s", "arguments", "wait_s"),
    [
        (0, {}, 60),
        (600, {}, 60),
        (60, {"exponential_backoff": True}, 120),
        (180, {"exponential_backoff": True}, 240),
        (180, {"exponential_backoff": True, "max_wait": 100}, 100),
        (0, {"timeout": 30}, 30),
    ],
)
def test_time_until_the_next_look_follows_from_the_wait_so_far(waited_s, arguments, wait_s):
    sensor = Poking("wait", looks=Looks(), mode="reschedule", **arguments)
    now = datetime.now(UTC)
    since = now - timedelta(seconds=waited_s)
    error = sensor._put_off({"ti": Waiting(now, since)})
    assert isinstance(error, TaskRescheduled)
    assert (error.reschedule_date - now).total_seconds() == pytest.approx(wait_s, abs=20)


def test_date_without_a_zone_is_refused():
    with pytest.raises(DagError, match="which has no zone"):
        TaskRescheduled(datetime(2026, 1, 1))  # noqa: DTZ001


def test_airflows_word_for_waiting_cheaply_is_accepted():
    sensor = TimeDeltaSensor("wait", delta=timedelta(seconds=2), deferrable=True)
    assert (sensor.mode, sensor.is_async) == ("poke", True)
