"""Two schedulers on one PostgreSQL share the work and do nothing twice."""

from __future__ import annotations

from signal import SIGCONT, SIGSTOP, SIGTERM

import attrs
import pytest

from tests.acceptance.conftest import POSTGRES
from tests.acceptance.scheduler_process import wait_until

pytestmark = [pytest.mark.slow, POSTGRES]

DAG = """
@dag
def work():
    @task
    async def wait():
        mark("begin")
        while not GO.exists():
            await anyio.sleep(0.02)
        mark("end")

    @task
    def step():
        mark("begin"), mark("end")

    for number in range(3):
        wait.override(task_id=f"wait_{number}")() >> step.override(task_id=f"step_{number}")()

work()
"""


def test_two_schedulers_share_the_runs(installation):
    # Neither can take more than half of the tasks that wait at the same time.
    environment = {**installation.environment, "FLOWCORE_ASYNC_PARALLELISM": "6"}
    shared = attrs.evolve(installation, environment=environment)
    shared.write_dag(DAG)
    runs = [f"run_{number}" for number in range(4)]
    for run in runs:
        shared.trigger("work", run)
    with shared.scheduler() as one, shared.scheduler() as other:
        shared.wait_for_marks("begin", 12)
        assert len(shared.workers()) >= 2
        shared.go()
        assert [shared.wait_for_run(run) for run in runs] == ["success"] * 4
        assert one.stop(SIGTERM) == other.stop(SIGTERM) == 0
    assert shared.marks("begin") == shared.marks("end") == sorted(set(shared.marks("end")))
    assert len(shared.marks("end")) == 24
    assert shared.rows("SELECT * FROM lease") == []


def test_the_other_scheduler_takes_over_from_one_that_is_killed(hasty):
    hasty.write_dag(DAG)
    with hasty.scheduler() as one:
        hasty.trigger("work", "mine")
        hasty.wait_for_marks("begin", 3)
        with hasty.scheduler():
            one.process.kill()
            hasty.wait_for_marks("begin", 6)
            assert len(hasty.workers()) >= 2
            hasty.go()
            assert hasty.wait_for_run("mine") == "success"
    assert len(hasty.marks("end")) == 6


def test_scheduler_that_slept_past_its_lease_begins_afresh(hasty):
    hasty.write_dag(DAG)
    with hasty.scheduler("--grace", "1") as sleeper:
        hasty.trigger("work", "mine")
        hasty.wait_for_marks("begin", 3)
        workers = {int(pid) for pid in hasty.workers()}
        sleeper.process.send_signal(SIGSTOP)
        with hasty.scheduler() as other:
            hasty.wait_for_marks("begin", 6)
            # The coroutines of the sleeper, which nobody waits for any more, must not count.
            sleeper.process.send_signal(SIGCONT)
            wait_until(lambda: sleeper.says("was taken over"), "noticing the loss")
            wait_until(lambda: workers.isdisjoint(sleeper.offspring()), "the end of its tries")
            hasty.go()
            assert hasty.wait_for_run("mine") == "success"
            assert other.stop(SIGTERM) == 0
        hasty.trigger("work", "again")
        assert hasty.wait_for_run("again") == "success"
        assert sleeper.stop(SIGTERM) == 0
    assert hasty.rows("SELECT * FROM lease") == []
    assert hasty.marks("end") == sorted(set(hasty.marks("end")))
