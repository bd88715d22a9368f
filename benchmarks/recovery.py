"""`python -m benchmarks.recovery`: how long the tries of a scheduler stand still that is killed.

Two schedulers share a PostgreSQL; the one that runs everything is killed with SIGKILL at a random moment, and
what is measured is the time until the other one runs the first and the last of its tasks again. A lease is
renewed every third of it, so between two thirds and all of it are its share, the rest recovery's.
"""

from __future__ import annotations

import random
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import attrs
import click
from tabulate import tabulate

from tests.acceptance.installation import Installation
from tests.acceptance.scheduler_process import wait_until
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server

COROUTINES, FUNCTIONS = 50, 5
TASKS = COROUTINES + FUNCTIONS
#: Seconds beyond the lease that recovery may take.
ALLOWED_S = 2.0
DAG = f"""
def begin():
    with (HERE / "times").open("a") as times:
        times.write(f"{{time.time()}}\\n")

@dag(max_active_tasks=0)
def work():
    @task
    async def coroutine():
        begin()
        while not GO.exists():
            await anyio.sleep(0.1)

    @task
    def function():
        begin()
        while not GO.exists():
            time.sleep(0.1)

    for number in range({COROUTINES}):
        coroutine.override(task_id=f"coroutine_{{number}}")()
    for number in range({FUNCTIONS}):
        function.override(task_id=f"function_{{number}}")()

work()
"""


@attrs.frozen
class Recovery:
    """Seconds from the kill until the first and the last task ran again."""

    first_s: float
    last_s: float


def measure(url: str, lease_s: float) -> Recovery:
    """Kill one of two schedulers once."""
    with tempfile.TemporaryDirectory(prefix="flowcore-bench-") as name:
        installation = Installation(Path(name), url, environment={"FLOWCORE_LEASE_S": str(lease_s)})
        installation.command("db", "migrate")
        installation.write_dag(DAG)
        with installation.scheduler() as busy:
            installation.trigger("work", "mine")
            wait_until(lambda: len(installation.running()) == TASKS, "the start of all tasks")
            with installation.scheduler() as other:
                time.sleep(random.uniform(0, lease_s / 3))
                times, killed_at = installation.folder / "times", time.time()
                busy.stop(signal.SIGKILL)
                wait_until(lambda: len(times.read_text().split()) == 2 * TASKS, "the recovery of all tasks")
                began = sorted(map(float, times.read_text().split()))[TASKS:]
                installation.go()
                wait_until(lambda: installation.run_state("mine") == "success", "the end of the run")
                other.stop(signal.SIGTERM)
    return Recovery(began[0] - killed_at, began[-1] - killed_at)


def row_of(lease_s: float, found: Sequence[Recovery]) -> tuple[object, ...]:
    first, last = median(one.first_s for one in found), median(one.last_s for one in found)
    worst = max(one.last_s for one in found)
    return (
        lease_s,
        len(found),
        first,
        last,
        worst,
        lease_s + ALLOWED_S,
        "yes" if worst < lease_s + ALLOWED_S else "NO",
    )


@click.command()
@click.option(
    "--rounds", default=5, show_default=True, help="How often a scheduler is killed, for each lease."
)
@click.option("--lease", "leases", multiple=True, default=(4.0, 15.0), show_default=True, help="Seconds.")
def main(rounds: int, leases: tuple[float, ...]) -> None:
    """Print the table."""
    rows = []
    with running_server(fsync=True) as server:
        for lease_s in leases:
            found = []
            for number in range(rounds):
                with fresh_database(server, f"flowcore_recovery_{number}") as url:
                    found.append(measure(url, lease_s))
            rows.append(row_of(lease_s, found))
    headers = ("lease s", "kills", "first task s", "last task s", "worst s", "allowed s", "kept")
    print(tabulate(rows, headers, floatfmt=".3g", tablefmt="github"))


if __name__ == "__main__":
    main()
