"""Tasks that cannot be stopped: the scheduler is gone in time nevertheless, and what they did is run again.

In processes of their own they end with their processes. In the scheduler's process they are abandoned.
"""

from __future__ import annotations

from signal import SIGTERM

import pytest

# The database has no part in this.
pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

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


def dag_of(kind: str) -> str:
    return f"@dag\ndef work():{DAGS[kind]}\n    stubborn()\n\nwork()\n"


@pytest.mark.parametrize("executor", STATUS)
@pytest.mark.parametrize("kind", DAGS)
def test_scheduler_ends_in_time_although_a_task(kind, executor, installation):
    installation.write_dag(dag_of(kind))
    with installation.scheduler("--grace", "0.5", "--executor", executor) as scheduler:
        installation.trigger("work", "mine")
        installation.wait_for_marks("begin", 1)
        status, took_s = scheduler.stop(SIGTERM)
        assert scheduler.offspring() == []
    assert (status, took_s < 1.5) == (STATUS[executor], True)
    installation.go()
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert installation.marks("end") == ["mine.stubborn"]


@pytest.mark.parametrize("executor", STATUS)
def test_second_signal_skips_the_grace_period_although_a_function_goes_on(executor, installation):
    installation.write_dag(dag_of("is a function that goes on for ever"))
    with installation.scheduler("--grace", "60", "--executor", executor) as scheduler:
        installation.trigger("work", "mine")
        installation.wait_for_marks("begin", 1)
        status, took_s = scheduler.stop(SIGTERM, SIGTERM)
    assert (status, took_s < 1.5) == (STATUS[executor], True)
