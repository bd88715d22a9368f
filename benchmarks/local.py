"""`python -m benchmarks.local`: tries in processes of their own and in warm workers, on PostgreSQL.

Throughput of the fan-out and the hop of the chain, with tasks that do nothing, and what a thousand sleeping
coroutines take in one worker. Beside them the floors of the same minutes: how often this machine forks
and ends a process of that size, and pgbench. On a machine that others use, read the CPU time of a try.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

import anyio
import attrs
import click
from tabulate import tabulate

import flowcore
import flowcore.runner.processes.fork_server  # as large as what is forked
from benchmarks import local_dags
from benchmarks.floor import pgbench_rate
from flowcore.app.options import Options
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.runner.processes import linux
from flowcore.settings import ExecutorName
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server
from tests.support.postgres_binaries import find_binaries

FORKS = 300
SLEEPERS = 1_000
TASKS = {"fan_out": 502, "chain": 50}
KINDS = {"function": "a process each", "coroutine": "warm workers"}
#: By this variable of their environment, processes are known to be ours.
FAMILY = "BENCHMARK_FAMILY"
_HEADERS = ("what", "where", "loop", "measured", "target")

Row = tuple[str, str, str, str, str]


@attrs.frozen
class Figures:
    """Of one load: tries per second, and milliseconds from one task's code to the next one's (medians)."""

    rate: float
    hop_ms: float


@attrs.frozen
class Memory:
    """Of a worker with all sleepers: resident megabytes, and kilobytes for each.

    After a SIGTERM: how many were cancelled and said so, and the seconds until the worker was gone.
    """

    megabytes: float
    kilobytes_each: float
    cancelled: int
    end_s: float


@attrs.frozen
class Bench:
    """A scheduler whose tries run elsewhere, and the folder in which they note their times."""

    fc: flowcore.Flowcore
    folder: Path

    def times(self) -> list[float]:
        """When tasks noted something, in order; begins anew afterwards."""
        path = self.folder / "times"
        found = sorted(map(float, path.read_text().split())) if path.exists() else []
        path.unlink(missing_ok=True)
        return found

    async def carry_out(self, dag_id: str) -> float:
        """Run a Dag to its end; the seconds it took."""
        began = time.perf_counter()
        run = await self.fc.trigger(dag_id)
        state = await run.wait()
        assert state is DagRunState.SUCCESS, f"{dag_id} ended {state}"
        return time.perf_counter() - began


def write_dags(folder: Path) -> None:
    """A file for each Dag: what a process has imported says what a fork of it costs."""
    folder.mkdir()
    shutil.copy(local_dags.__file__, folder)
    calls = {
        "fan_out_function": "fan_out('fan_out_function', local_dags.function)",
        "fan_out_coroutine": "fan_out('fan_out_coroutine', local_dags.coroutine)",
        "chain_function": "line('chain_function', local_dags.function)",
        "chain_coroutine": "line('chain_coroutine', local_dags.coroutine)",
        "sleepers_1": "sleepers('sleepers_1', 1)",
        f"sleepers_{SLEEPERS}": f"sleepers('sleepers_{SLEEPERS}', {SLEEPERS})",
    }
    for dag_id, call in calls.items():
        text = f"# A Dag of flowcore's benchmarks.\nimport local_dags\n\ndag = local_dags.{call}\n"
        (folder / f"{dag_id}.py").write_text(text)


@asynccontextmanager
async def opened(url: str, parallelism: int) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="flowcore-bench-") as name:
        folder = Path(name)
        options = Options(
            executor=ExecutorName.LOCAL,
            parallelism=parallelism,
            async_parallelism=10_000,
            default_pool_slots=-1,
            grace_s=0.0,
            logs_folder=folder / "logs",
        )
        write_dags(folder / "dags")
        async with flowcore.open(url, dags_folder=folder / "dags", options=options) as fc:
            assert fc.folder is not None
            await fc.folder.wait_settled()
            yield Bench(fc, folder)


async def measure(load: str, kind: str, rounds: int, *, url: str, parallelism: int) -> Figures:
    """Run a load some times after a warm-up; the medians."""
    async with opened(url, parallelism) as bench:
        figures = []
        for _ in range(rounds + 1):
            bench.times()
            took_s = await bench.carry_out(f"{load}_{kind}")
            times = bench.times()
            assert len(times) == TASKS[load], f"{len(times)} tries for {TASKS[load]} task instances"
            hops = [later - earlier for earlier, later in pairwise(times)]
            figures.append((TASKS[load] / took_s, median(hops) * 1_000))
    return Figures(*(median(column) for column in zip(*figures[1:], strict=True)))


async def measure_memory(url: str) -> Memory:
    """Let many coroutines sleep, look at their worker, and send it SIGTERM."""
    async with opened(url, 1) as bench:
        worker = await _worker_with(bench, 1)
        one = _resident(worker)
        worker = await _worker_with(bench, SLEEPERS)
        many = _resident(worker)
        end_s = await _end_s(worker)
        cancelled = len(bench.times())
    return Memory(many / 1e6, (many - one) / SLEEPERS / 1e3, cancelled, end_s)


async def _end_s(pid: int) -> float:
    """Seconds from SIGTERM to the end of the process."""
    ended = os.pidfd_open(pid)
    try:
        began = time.perf_counter()
        os.kill(pid, signal.SIGTERM)
        await anyio.wait_readable(ended)
        return time.perf_counter() - began
    finally:
        os.close(ended)


async def _worker_with(bench: Bench, sleepers: int) -> int:
    """The largest of our processes but this one, once so many sleep there besides."""
    run = await bench.fc.trigger(f"sleepers_{sleepers}")
    running = 0
    async for event in run:
        running += event.state is TaskInstanceState.RUNNING
        if running == sleepers:
            break
    family = linux.processes_with(FAMILY, str(os.getpid())) - {os.getpid()}
    return max(family, key=_resident)


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # it has ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def fork_s() -> float:
    """Seconds to fork a process with the SDK imported, and to wait for its end."""
    began = time.perf_counter()
    for _ in range(FORKS):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return (time.perf_counter() - began) / FORKS


def cpu_s() -> float:
    """CPU seconds of this process and of those that have ended below it: all but PostgreSQL."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def floor_rows(server: str) -> Iterator[Row]:
    yield "floor: fork and end a process", "one after the other", "", f"{fork_s() * 1e3:.1f} ms", ""
    with fresh_database(server, "flowcore_local_floor") as url:
        rate = pgbench_rate(find_binaries(), url, clients=1)
    yield "floor: pgbench simple update", "1 client", "", f"{rate:.0f}/s", ""


def load_rows(server: str, backend: str, rounds: int, parallelism: int) -> Iterator[Row]:
    targets = {"fan_out_function": ">= 250/s", "fan_out_coroutine": ">= 1000/s", "chain_function": "<= 25 ms"}
    for load, tasks in TASKS.items():
        for kind, where in KINDS.items():
            before_s = cpu_s()
            with fresh_database(server, f"flowcore_local_{load}_{kind}_{backend}") as url:
                job = partial(measure, load, kind, rounds, url=url, parallelism=parallelism)
                figures = anyio.run(job, backend=backend)
            cpu_ms = (cpu_s() - before_s) / tasks / (rounds + 1) * 1e3
            measured = f"{figures.rate:.0f}/s" if load == "fan_out" else f"{figures.hop_ms:.1f} ms"
            what = "1 + 500 + 1 tries" if load == "fan_out" else "hop of a chain of 50"
            target = targets.get(f"{load}_{kind}", "")
            yield what, where, backend, f"{measured}, {cpu_ms:.1f} ms CPU a try", target


def memory_rows(server: str, backend: str) -> Iterator[Row]:
    with fresh_database(server, f"flowcore_local_sleepers_{backend}") as url:
        memory = anyio.run(measure_memory, url, backend=backend)
    where = "one warm worker"
    yield f"{SLEEPERS} sleepers", where, backend, f"{memory.megabytes:.0f} MB", "<= 150 MB"
    yield "each of them", where, backend, f"{memory.kilobytes_each:.0f} kB", "<= 100 kB"
    ended = f"{memory.end_s:.2f} s, {memory.cancelled} ran their finally"
    yield "their end after SIGTERM", where, backend, ended, "<= 1 s"


@click.command()
@click.option("--rounds", default=2, show_default=True, help="Counted rounds after a warm-up.")
@click.option("--parallelism", default=32, show_default=True, help="How many processes at the same time.")
def main(rounds: int, parallelism: int) -> None:
    """Print the table."""
    os.environ[FAMILY] = str(os.getpid())
    logging.disable(logging.WARNING)  # of the tries whose worker is ended here
    with running_server(fsync=True) as server:
        rows = [*floor_rows(server), *load_rows(server, "asyncio", rounds, parallelism)]
        for backend in ("asyncio", "trio"):
            rows += memory_rows(server, backend)
    print(tabulate(rows, headers=_HEADERS, tablefmt="github"))


if __name__ == "__main__":
    main()
