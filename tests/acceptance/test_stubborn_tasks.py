"""Tasks that cannot be stopped: the scheduler is gone in time nevertheless, and what they did is run again.

In processes of their own they end with their processes. In the scheduler's process they are abandoned.
"""

from __future__ import annotations

import itertools
from signal import SIGTERM

import pytest

pytestmark = pytest.mark.slow

DAGS = {
    "swallows its cancellation": """
    @task
    async def stubborn():
        mark("begin")
        while not GO.exists():
            try:
                await anyio.sleep(0.02)
            except BaseException:
                pass
        mark("end")
""",
    "blocks the event loop": """
    @task
    async def stubborn():
        mark("begin")
        while not GO.exists():
            time.sleep(0.02)
        mark("end")
""",
    "is a function that goes on for ever": """
    @task
    def stubborn():
        mark("begin")
        while not GO.exists():
            try:
                time.sleep(0.02)
            except BaseException:
                pass
        mark("end")
""",
}
#: What the scheduler's exit status is when it had to leave a try behind.
STATUS = {"local": 0, "in-process": 3}
LOOPS = ("sqlite-asyncio", "sqlite-trio")


def dag_of(kind: str) -> str:
    return f"@dag\ndef work():{DAGS[kind]}\n    stubborn()\n\nwork()\n"


# The database has no part in this, and the loop only where a coroutine is cancelled.
@pytest.mark.parametrize(
    ("kind", "executor", "pair"),
    [
        *(("swallows its cancellation", *where) for where in itertools.product(STATUS, LOOPS)),
        ("blocks the event loop", "local", "sqlite-trio"),
        ("blocks the event loop", "in-process", "sqlite-asyncio"),
        ("is a function that goes on for ever", "local", "sqlite-asyncio"),
        ("is a function that goes on for ever", "in-process", "sqlite-trio"),
    ],
    indirect=["pair"],
)
def test_scheduler_ends_in_time_although_a_task(kind, executor, installation):
    installation.write_dag(dag_of(kind))
    with installation.scheduler("--grace", "0.5", "--executor", executor) as scheduler:
        installation.trigger("work", "mine")
        installation.wait_for_marks("begin", 1)
        assert scheduler.stop(SIGTERM) == STATUS[executor]
        scheduler.wait_until_alone()
    installation.go()
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert installation.marks("end") == ["mine.stubborn"]


@pytest.mark.parametrize(
    ("executor", "pair"), [("local", "sqlite-trio"), ("in-process", "sqlite-asyncio")], indirect=["pair"]
)
def test_second_signal_skips_the_grace_period_although_a_function_goes_on(executor, installation):
    installation.write_dag(dag_of("is a function that goes on for ever"))
    with installation.scheduler("--grace", "600", "--executor", executor) as scheduler:
        installation.trigger("work", "mine")
        installation.wait_for_marks("begin", 1)
        assert scheduler.stop(SIGTERM, SIGTERM) == STATUS[executor]
