from __future__ import annotations

import pytest

from flowcore.sdk import DAG, PokeReturnValue, task
from tests.support.dag_runs import run_task

COMES = [False, PokeReturnValue(True, "found")]


def look(answers, ti=None):
    assert ti.task_id == "wait"
    return answers.pop(0)


async def alook(answers, ti=None):
    return look(answers, ti)


@pytest.mark.parametrize("mode", ["poke", "reschedule"])
@pytest.mark.parametrize("function", [look, alook])
async def test_function_looks_until_it_finds(function, mode):
    with DAG("d") as dag:
        task.sensor(task_id="wait", poke_interval=0.001, mode=mode)(function)(list(COMES))
    ended = await run_task(dag)
    assert (ended.state, ended.returned) == ("success", "found")


def test_sensor_waits_on_the_event_loop():
    with DAG("d") as dag:
        task.sensor(look)([])
    [compiled] = dag.compile().tasks
    assert (compiled.operator, compiled.is_async) == ("@task.sensor", True)
