"""The database goes away in mid-run: the scheduler waits, and goes on when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.acceptance.conftest import LEASE_S, POSTGRES
from tests.acceptance.installation import Installation
from tests.acceptance.scheduler_process import Scheduler
from tests.support.postgres import QUICK, Server, new_server

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
    def last():
        mark("begin"), mark("end")

    wait() >> last()

work()
"""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of our own, not started yet: the tests' common one must stay."""
    with new_server() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, server: Server, loop: str) -> Installation:
    return Installation(tmp_path, server.url, loop, {"FLOWCORE_LEASE_S": str(LEASE_S)})


@pytest.fixture
def scheduler(server: Server, installation: Installation) -> Iterator[Scheduler]:
    """A scheduler with a task that runs, and whose server was stopped meanwhile."""
    installation.write_dag(DAG)
    with ExitStack() as stack:
        with server.running(QUICK):
            installation.command("db", "migrate")
            installation.trigger("work", "mine")
            scheduler = stack.enter_context(installation.scheduler("--grace", "0.5"))
            installation.wait_for_marks("begin", 1)
        yield scheduler


def test_scheduler_goes_on_when_the_database_is_back(server, installation, scheduler):
    installation.go()
    installation.wait_for_marks("end", 1)  # which cannot be written yet
    with server.running(QUICK):
        assert installation.wait_for_run("mine") == "success"
        assert scheduler.stop(SIGTERM) == 0


def test_scheduler_stops_in_time_without_its_database(server, installation, scheduler):
    assert scheduler.stop(SIGTERM) == 3
    with server.running(QUICK), installation.scheduler():
        installation.go()
        assert installation.wait_for_run("mine") == "success"
