"""`kill -9` of any process at any moment: nothing is left over, nothing runs twice at a time, all is done."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

import pytest

from tests.acceptance.conftest import SQLITE
from tests.acceptance.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: Each task instance holds a lock while it runs: it must be alone, however many tries it needs.
DAG = """
import fcntl

def alone():
    context = get_current_context()
    file = (HERE / f"{context['run_id']}.{context['ti'].task_id}.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        mark("overlap")
    return file

@dag(max_active_runs=2, default_args={"retries": 100, "retry_delay": 0})
def work():
    @task
    def function():
        with alone():
            mark("begin")
            time.sleep(0.05)
            mark("end")

    @task
    async def coroutine():
        with alone():
            mark("begin")
            await anyio.sleep(0.05)
            mark("end")

    for kind in (function, coroutine):
        for chain in range(2):
            before = kind.override(task_id=f"{kind.__name__}_{chain}_0")()
            for link in range(1, 4):
                after = kind.override(task_id=f"{kind.__name__}_{chain}_{link}")()
                before >> after
                before = after

work()
"""
TASKS = 2 * 2 * 4
#: Of so many kills one hits the scheduler itself, whose restart takes its time.
SCHEDULER_EVERY = 5


def kill(installation: Installation, kills: int, seed: int) -> Counter[int]:
    """Kill random processes of schedulers at random moments; how many of each generation."""
    chance = random.Random(seed)
    killed: Counter[int] = Counter()
    while kills > 0:
        with installation.scheduler() as scheduler:
            while kills > 0:
                time.sleep(chance.uniform(0, 0.3))
                generations = scheduler.generations()
                kills -= 1
                if not generations or chance.randrange(SCHEDULER_EVERY) == 0:
                    killed[0] += 1
                    scheduler.stop(signal.SIGKILL)
                    break
                generation = chance.choice(sorted(generations))
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(generations[generation]), signal.SIGKILL)
                    killed[generation] += 1
            else:
                scheduler.stop(signal.SIGKILL)
            scheduler.wait_until_alone()
    return killed


def check(installation: Installation, *, runs: int, kills: int, seed: int) -> Counter[int]:
    installation.write_dag(DAG)
    for number in range(runs):
        installation.trigger("work", f"run{number}")
    killed = kill(installation, kills, seed)
    with installation.scheduler() as scheduler:
        for number in range(runs):
            assert installation.wait_for_run(f"run{number}") == "success"
        scheduler.stop(signal.SIGTERM)
        scheduler.wait_until_alone()
    assert installation.marks("overlap") == []
    assert len(set(installation.marks("end"))) == runs * TASKS
    assert installation.active() == []
    return killed


@SQLITE
def test_killing_processes_of_a_scheduler_loses_and_doubles_nothing(installation):
    check(installation, runs=2, kills=5, seed=random.randrange(2**32))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_killing_processes_of_a_scheduler_200_times_loses_and_doubles_nothing(installation):
    killed = check(installation, runs=60, kills=200, seed=random.randrange(2**32))
    # The scheduler, its fork server, Dag servers and workers, processes of tries.
    assert set(killed) == {0, 1, 2, 3}, killed
