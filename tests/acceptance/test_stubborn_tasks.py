"""Tasks that cannot be stopped: the scheduler is gone in time nevertheless, and says so."""

from __future__ import annotations

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
            time.sleep(0.02)
        mark("end")
""",
}


@pytest.mark.parametrize("body", DAGS.values(), ids=DAGS)
def test_scheduler_ends_in_time_although_a_task(body, installation):
    installation.write_dag(f"@dag\ndef work():{body}\n    stubborn()\n\nwork()\n")
    installation.trigger("work", "mine")
    with installation.scheduler("--grace", "0.5") as scheduler:
        installation.wait_for_marks("begin", 1)
        status, took_s = scheduler.stop(SIGTERM)
        assert scheduler.offspring() == []
    assert (status, took_s < 1.5) == (3, True)
    installation.go()
    with installation.scheduler():
        assert installation.wait_for_run("mine") == "success"
    assert installation.marks("end") == ["mine.stubborn"]
