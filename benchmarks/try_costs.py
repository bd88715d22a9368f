"""`python -m benchmarks.try_costs`: where the CPU time of a try goes that has a process of its own.

The fan-out of `benchmarks.local`, and the CPU time that its processes took for it, apart from PostgreSQL's.
Other programs on the machine change it less than the time on the clock, yet they do: compare in turns.
"""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import anyio
import attrs
import click
from tabulate import tabulate

from benchmarks.local import FAMILY, TASKS, Bench, opened
from flowcore.runner.processes import linux
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server

_TICKS = os.sysconf("SC_CLK_TCK")


@attrs.frozen
class Spent:
    """CPU seconds so far: of this process, of the servers below it, and of the children that these had."""

    scheduler: float
    servers: float
    children: float
    clock: float

    def since(self, before: Spent) -> Spent:
        return Spent(*(a - b for a, b in zip(attrs.astuple(self), attrs.astuple(before), strict=True)))


def spent() -> Spent:
    own = resource.getrusage(resource.RUSAGE_SELF)
    times = [_times(pid) for pid in linux.processes_with(FAMILY, str(os.getpid())) - {os.getpid()}]
    servers, children = (sum(column) for column in zip(*times, strict=True))
    return Spent(own.ru_utime + own.ru_stime, servers, children, time.perf_counter())


def _times(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, child_user, child_system = map(int, fields[11:15])
    return (user + system) / _TICKS, (child_user + child_system) / _TICKS


async def measure(load: str, rounds: int, *, url: str, parallelism: int) -> list[Spent]:
    """What each round spent, after a warm-up."""
    async with opened(url, parallelism) as bench:
        await bench.carry_out(f"{load}_function")
        return [await _round(bench, load) for _ in range(rounds)]


async def _round(bench: Bench, load: str) -> Spent:
    before = spent()
    await bench.carry_out(f"{load}_function")
    return spent().since(before)


def rows(load: str, found: list[Spent]) -> Iterator[tuple[str, ...]]:
    tasks = TASKS[load]
    for name in ("scheduler", "servers", "children"):
        each = [getattr(one, name) / tasks * 1e3 for one in found]
        yield load, name, f"{median(each):.2f}", f"{min(each):.2f}"
    whole = [(one.scheduler + one.servers + one.children) / tasks * 1e3 for one in found]
    yield load, "all", f"{median(whole):.2f}", f"{min(whole):.2f}"
    rates = [tasks / one.clock for one in found]
    yield load, "tries/s", f"{median(rates):.0f}", f"{max(rates):.0f}"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Counted rounds after a warm-up.")
@click.option("--parallelism", default=32, show_default=True, help="How many processes at the same time.")
@click.option("--load", "loads", multiple=True, default=["fan_out"], type=click.Choice(list(TASKS)))
@click.option("--backend", default="asyncio", show_default=True)
def main(rounds: int, parallelism: int, loads: tuple[str, ...], backend: str) -> None:
    """Print the table."""
    os.environ[FAMILY] = str(os.getpid())
    logging.disable(logging.WARNING)
    table: list[tuple[str, ...]] = []
    with running_server(fsync=True) as server:
        for load in loads:
            with fresh_database(server, f"flowcore_try_costs_{load}") as url:
                job = partial(measure, load, rounds, url=url, parallelism=parallelism)
                table += rows(load, anyio.run(job, backend=backend))
    print(tabulate(table, headers=("load", "CPU ms a try of", "median", "best"), tablefmt="github"))


if __name__ == "__main__":
    main()
