from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

import flowcore
from flowcore.app.options import Options
from flowcore.errors import DagError
from flowcore.providers.standard.external_task_sensor import ExternalTaskSensor
from flowcore.sdk import DAG, TaskGroup, task

DAY = datetime(2026, 1, 2, tzinfo=UTC)
DAY_BEFORE = DAY - timedelta(days=1)


class Sync(ExternalTaskSensor):
    """What a subclass for Airflow looks like: a function."""

    def execute(self, context):
        return super().execute(context)


@task
async def good(): ...


@task
async def bad():
    raise ValueError("bad")


def other():
    """Succeeds in `g.good`, and fails in `bad`, and so as a whole."""
    with DAG("other") as dag:
        with TaskGroup("g"):
            good()
        with TaskGroup("both"):
            good(), bad()
    return dag


def sensor_of(kind=ExternalTaskSensor, **arguments):
    with DAG("d") as dag:
        kind("wait", **{"external_dag_id": "other", "poke_interval": 0.01, "timeout": 60, **arguments})
    return dag


async def run(waiting, *, at=DAY):
    """How the sensor ended, when the other Dag had a run of the day before."""
    async with flowcore.open(
        "sqlite://", dags=[waiting, other()], options=Options(creates_dag_runs=False)
    ) as fc:
        with anyio.fail_after(60):
            await (await fc.trigger("other", logical_date=DAY_BEFORE)).wait()
            triggered = await fc.trigger("d", logical_date=at)
            await triggered.wait()
            [instance] = await triggered.task_instances()
            return instance


@pytest.mark.parametrize(
    ("kind", "arguments", "state"),
    [
        (Sync, {"external_task_id": "g.good"}, "success"),
        (ExternalTaskSensor, {"external_task_ids": ["g.good", "both.good"]}, "success"),
        (ExternalTaskSensor, {"external_task_group_id": "g"}, "success"),
        (Sync, {"external_task_group_id": "both", "failed_states": ["failed"]}, "failed"),
        (
            ExternalTaskSensor,
            {"external_task_id": "both.bad", "failed_states": ["failed"], "soft_fail": True},
            "skipped",
        ),
        (ExternalTaskSensor, {"external_task_id": "both.bad", "skipped_states": ["failed"]}, "skipped"),
        (Sync, {"allowed_states": ["failed"]}, "success"),
        (ExternalTaskSensor, {"failed_states": ["failed"]}, "failed"),
    ],
)
async def test_states_of_the_other_dag_say_how_the_sensor_ends(kind, arguments, state):
    assert (await run(sensor_of(kind, **arguments), at=DAY_BEFORE)).state == state


@pytest.mark.parametrize(
    "arguments",
    [
        {"execution_delta": timedelta(days=1)},
        {"execution_date_fn": lambda date: date - timedelta(days=1)},
        {"execution_date_fn": lambda date, ds: [datetime.fromisoformat(f"{ds}T00Z") - timedelta(days=1)]},
        {"execution_date_fn": lambda date, **context: context["data_interval_end"] - timedelta(days=1)},
    ],
)
async def test_runs_of_other_dates_can_be_waited_for(arguments):
    assert (await run(sensor_of(external_task_id="g.good", **arguments))).state == "success"


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
async def test_what_has_not_come_in_time_fails_the_sensor(mode):
    ended = await run(sensor_of(external_task_id="g.good", timeout=0.05, mode=mode))
    assert (ended.state, "has not come in" in ended.error) == ("failed", True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"external_dag_id": "none"}, "there is no Dag 'none'"),
        ({"external_task_id": "none"}, "Dag 'other' has no task none"),
        ({"external_task_group_id": "none"}, "Dag 'other' has no task group 'none'"),
    ],
)
async def test_what_does_not_exist_is_told_at_once_if_asked(arguments, message):
    ended = await run(sensor_of(check_existence=True, **arguments))
    assert (ended.state, message in ended.error) == ("failed", True)


async def test_the_wait_ends_when_the_other_dag_has():
    waiting = sensor_of(external_task_id="g.good", poll_interval=0.05)
    async with flowcore.open(
        "sqlite://", dags=[waiting, other()], options=Options(creates_dag_runs=False)
    ) as fc:
        with anyio.fail_after(60):
            triggered = await fc.trigger("d", logical_date=DAY)
            async for event in triggered:
                if event.task_id == "wait" and event.state == "running":
                    await fc.trigger("other", logical_date=DAY)
            assert triggered.state == "success"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"external_task_id": "a", "external_task_ids": ["b"]}, "give one of them"),
        ({"external_task_id": "a", "external_task_group_id": "b"}, "give one of them"),
        ({"execution_delta": timedelta(1), "execution_date_fn": print}, "give one of them"),
        ({"allowed_states": ["success"], "failed_states": ["success"]}, "a state more than once"),
        ({"allowed_states": ["skipped"]}, "which runs do not have; use queued, running, success, failed"),
        ({"external_task_id": "a", "failed_states": ["broken"]}, "which tasks do not have"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments, message):
    with pytest.raises(DagError, match=message):
        sensor_of(**arguments)
