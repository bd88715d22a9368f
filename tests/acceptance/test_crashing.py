"""A scheduler that is killed in mid-run: another one completes the run, and loses nothing."""

from __future__ import annotations

from signal import SIGKILL

import attrs
import pytest

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
        for link in range(1, 15):
            after = step.override(task_id=f"step_{chain}_{link}")()
            before >> after
            before = after

work()
"""


def test_run_of_a_killed_scheduler_is_completed_by_the_next(installation):
    installation.write_dag(WAITING)
    installation.trigger("work", "mine")
    with installation.scheduler() as scheduler:
        wait_until(lambda: installation.running() == ["coroutine", "function"], "the record of both starts")
        scheduler.stop(SIGKILL)
        scheduler.wait_until_alone()
    installation.go()
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert installation.marks("end") == ["mine.coroutine", "mine.function", "mine.last"]
    assert installation.rows("SELECT count(*) FROM task_try WHERE state = 'lost'") == [(2,)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_need_not_wait_for_the_lease_of_a_dead_process(installation):
    patient = attrs.evolve(installation, environment={"FLOWCORE_LEASE_S": "3600"})
    test_run_of_a_killed_scheduler_is_completed_by_the_next(patient)


def test_run_survives_one_kill_after_the_other(installation):
    installation.write_dag(WIDE)
    installation.trigger("work", "mine")
    for progress in (5, 20, 35):
        with installation.scheduler() as scheduler:
            installation.wait_for_marks("end", progress)
            scheduler.stop(SIGKILL)
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert len(set(installation.marks("end"))) == 45
    assert installation.rows("SELECT DISTINCT state FROM task_instance") == [("success",)]
    # Lost were at most the three that ran, each time.
    assert len(installation.marks("begin")) <= 45 + 3 * 3
