"""`python -m benchmarks.soak`: whether a scheduler grows under a steady load.

A `flowcore scheduler` on PostgreSQL carries out runs that begin at a steady rate: coroutines, a function, a
mapped task, XComs, a task that fails and is retried. Its resident memory is sampled, and after a warm-up a
line is laid through the samples by least squares. The error of its slope is told as well: samples of half a
minute count as one, because neighbours are no news. A slope is above the limit if all that the error allows
is.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import fmean

import anyio
import attrs
import click
from tabulate import tabulate

from flowcore.database.engine import open_database
from flowcore.database.queries.triggering import trigger_dag_run
from tests.acceptance.installation import Installation
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server

SAMPLE_EVERY_S = 2.0
#: Samples of so many seconds are averaged.
BLOCK_S = 30.0
LIMIT_MB_PER_H = 1.0
DAG = """
@dag(max_active_runs=0, default_args={"retries": 1, "retry_delay": 0})
def work():
    @task
    def function():
        return list(range(3))

    @task
    async def element(number):
        return number

    @task
    async def fails_at_first():
        if get_current_context()["ti"].try_number == 1:
            raise ValueError("at first")

    @task
    async def last(numbers):
        print(len(list(numbers)))

    fails_at_first() >> last(element.expand(number=function()))

work()
"""
TASKS = 6
#: How often the load may lag behind before the scheduler counts as overloaded: runs that are open.
OPEN_MAX = 200


@attrs.frozen
class Slope:
    """Megabytes per hour, and twice the standard error of that."""

    per_h: float
    error: float


def slope_of(samples: Sequence[tuple[float, float]]) -> Slope:
    """The line through (seconds, megabytes) by least squares, over means of blocks."""
    blocks: dict[int, list[tuple[float, float]]] = {}
    for at_s, megabytes in samples:
        blocks.setdefault(int(at_s // BLOCK_S), []).append((at_s, megabytes))
    points = [(fmean(at for at, _ in block), fmean(mb for _, mb in block)) for block in blocks.values()]
    middle, mean = fmean(at for at, _ in points), fmean(mb for _, mb in points)
    spread = sum((at - middle) ** 2 for at, _ in points)
    per_s = sum((at - middle) * (mb - mean) for at, mb in points) / spread
    residues = sum((mb - mean - per_s * (at - middle)) ** 2 for at, mb in points)
    error_per_s = sqrt(residues / max(1, len(points) - 2) / spread)
    return Slope(per_s * 3_600, 2 * error_per_s * 3_600)


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def load(url: str, runs_per_s: float, duration_s: float) -> None:
    """Trigger runs at a steady rate."""
    async with open_database(url, pool_size=1) as database:
        began = anyio.current_time()
        for number in range(int(duration_s * runs_per_s)):
            await anyio.sleep(max(0.0, began + number / runs_per_s - anyio.current_time()))
            now = datetime.now(UTC)
            name = f"run{number}"
            await database.run(
                trigger_dag_run, dag_id="work", conf={}, run_id=name, logical_date=None, now=now
            )


async def sample(pid: int, samples: list[tuple[float, float]]) -> None:
    began = time.monotonic()
    while True:
        samples.append((time.monotonic() - began, resident_mb(pid)))
        await anyio.sleep(SAMPLE_EVERY_S)


async def soak(url: str, pid: int, runs_per_s: float, duration_s: float) -> list[tuple[float, float]]:
    """Samples of the scheduler's memory under the load: seconds, megabytes."""
    samples: list[tuple[float, float]] = []
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(sample, pid, samples)
        await load(url, runs_per_s, duration_s)
        nursery.cancel_scope.cancel()
    return samples


def open_runs(installation: Installation) -> int:
    [(count,)] = installation.rows("SELECT count(*) FROM dag_run WHERE state IN ('queued', 'running')")
    return int(count)


@click.command()
@click.option("--minutes", default=15.0, show_default=True, help="How long is measured.")
@click.option("--warm-up", default=5.0, show_default=True, help="Minutes before that.")
@click.option("--runs-per-s", default=4.0, show_default=True, help=f"Runs of {TASKS} task instances.")
@click.option("--executor", default="local", show_default=True, type=click.Choice(["local", "in-process"]))
@click.option("--backend", default="asyncio", show_default=True, type=click.Choice(["asyncio", "trio"]))
def main(minutes: float, warm_up: float, runs_per_s: float, executor: str, backend: str) -> None:
    """Print the slope; the exit status is 1 if it is above the limit."""
    with (
        running_server(fsync=False) as server,
        fresh_database(server, "flowcore_soak") as url,
        tempfile.TemporaryDirectory(prefix="flowcore-bench-") as name,
    ):
        installation = Installation(Path(name), url, backend)
        installation.command("db", "migrate")
        installation.write_dag(DAG)
        with installation.scheduler("--executor", executor) as scheduler:
            duration_s = (warm_up + minutes) * 60
            samples = anyio.run(partial(soak, url, scheduler.process.pid, runs_per_s, duration_s))
            behind = open_runs(installation)
            scheduler.stop(signal.SIGTERM)
    measured = [(at_s, mb) for at_s, mb in samples if at_s >= warm_up * 60]
    slope = slope_of(measured)
    is_above = slope.per_h - slope.error > LIMIT_MB_PER_H
    row = (
        executor,
        backend,
        f"{minutes:g} min",
        f"{minutes * 60 * runs_per_s * TASKS:,.0f}",
        f"{measured[0][1]:.1f} to {measured[-1][1]:.1f} MB",
        f"{slope.per_h:+.2f} ± {slope.error:.2f} MB/h",
        "NO" if is_above else "yes",
    )
    headers = ("executor", "loop", "measured", "task instances", "resident", "slope", "<= 1 MB/h")
    print(tabulate([row], headers, tablefmt="github"))
    if behind > OPEN_MAX:
        print(f"{behind} runs were still open: the scheduler did not keep up, begin fewer with --runs-per-s")
    raise SystemExit(1 if is_above else 0)


if __name__ == "__main__":
    main()
