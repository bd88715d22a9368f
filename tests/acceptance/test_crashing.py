"""A scheduler that is killed in mid-run: another one completes the run, and loses nothing."""

from __future__ import annotations

from signal import SIGKILL

import attrs
import pytest

from tests.acceptance.conftest import SQLITE
from tests.acceptance.scheduler_process import wait_until

pytestmark = pytest.mark.slow

WAITING = """
@dag
def work():
    @task
    async def coroutine():
        mark("begin")
        while not GO.exists():
            await anyio.sleep(0.02)
        mark("end")

    @task
    def function():
        mark("begin")
        while not GO.exists():
            time.sleep(0.02)
        mark("end")

    @task
    def last():
        mark("begin"), mark("end")

    [coroutine(), function()] >> last()

work()
"""
WIDE = """
@dag
def work():
    @task
    async def step():
        mark("begin")
        await anyio.sleep(0.02)
        mark("end")

    for chain in range(3):
        before = step.override(task_id=f"step_{chain}_0")()
        for link in range(1, 10):
            after = step.override(task_id=f"step_{chain}_{link}")()
            before >> after
            before = after

work()
"""


def test_run_of_a_killed_scheduler_is_completed_by_the_next(hasty):
    hasty.write_dag(WAITING)
    hasty.trigger("work", "mine")
    with hasty.scheduler() as scheduler:
        wait_until(lambda: hasty.running() == ["coroutine", "function"], "the record of both starts")
        scheduler.stop(SIGKILL)
        scheduler.wait_until_alone()
    hasty.go()
    with hasty.scheduler():
        assert hasty.wait_for_run("mine") == "success"
    assert hasty.marks("end") == ["mine.coroutine", "mine.function", "mine.last"]
    assert hasty.rows("SELECT count(*) FROM task_try WHERE state = 'lost'") == [(2,)]


@SQLITE
def test_sqlite_need_not_wait_for_the_lease_of_a_dead_process(installation):
    patient = attrs.evolve(installation, environment={"FLOWCORE_LEASE_S": "3600"})
    test_run_of_a_killed_scheduler_is_completed_by_the_next(patient)


def test_run_survives_one_kill_after_the_other(hasty):
    hasty.write_dag(WIDE)
    hasty.trigger("work", "mine")
    for progress in (5, 20):
        with hasty.scheduler() as scheduler:
            hasty.wait_for_marks("end", progress)
            scheduler.stop(SIGKILL)
    with hasty.scheduler():
        assert hasty.wait_for_run("mine") == "success"
    assert len(set(hasty.marks("end"))) == 30
    assert hasty.rows("SELECT DISTINCT state FROM task_instance") == [("success",)]
    # Lost were at most the three that ran, each time.
    assert len(hasty.marks("begin")) <= 30 + 3 * 2
