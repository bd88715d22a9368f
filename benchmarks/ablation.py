"""`python -m benchmarks.ablation`: what concurrency itself gains.

The same routines on the same PostgreSQL, run one after the other in one loop (as Airflow's scheduler
does) against run concurrently, with one and with two scheduler processes, on a mixed load: chains,
fan-outs and many small runs at once. Lock waits are sampled from the server.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import anyio
import attrs
import click
from tabulate import tabulate

from benchmarks.loads import Times, make_chain, make_fan_out, make_many
from benchmarks.lock_waits import LockWaits, sampled_lock_waits
from benchmarks.sequential import SequentialScheduler
from flowcore.app.dag_bag import DagBag
from flowcore.app.flowcore import Flowcore
from flowcore.app.options import Options
from flowcore.app.run_watch import RunWatch
from flowcore.app.secrets import serve_secrets
from flowcore.app.try_sources import sources_of_tries
from flowcore.clock import SystemClock
from flowcore.database.engine import open_database
from flowcore.database.schema import prepare
from flowcore.database.store import SqlStore
from flowcore.executors.in_process import InProcessExecutor
from flowcore.executors.in_process_callbacks import InProcessCallbacks
from flowcore.runner.xcoms.backends import open_xcoms
from flowcore.scheduler.service import Scheduler, SchedulerSettings
from flowcore.sdk import DAG
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server

PACES = {"one after the other": SequentialScheduler, "concurrently": Scheduler}
RUNS = {"chain": 8, "fan_out": 3, "many": 2}


@attrs.frozen
class Outcome:
    """Of one round: task instances per second, median hop of the chains, and who waited for locks."""

    rate: float
    hop_ms: float
    waits: LockWaits


def make_dags(times: Times) -> list[DAG]:
    """The mixed load; only the chains note their times."""
    return [*make_chain(times), *make_fan_out([]), *make_many([], dags=20)]


@asynccontextmanager
async def opened(url: str, pace: str, times: Times) -> AsyncIterator[Flowcore]:
    """Run a scheduler of that pace on the database at `url`."""
    clock, bag = SystemClock(), DagBag()
    async with (
        open_database(url) as database,
        serve_secrets(database) as secrets,
        anyio.create_task_group() as nursery,
    ):
        await database.run(prepare, default_pool_slots=-1)
        sources = sources_of_tries(database, secrets)
        executor = InProcessExecutor(bag, sources, clock=clock, async_parallelism=10_000)
        watch = RunWatch(database, poll_s=1)
        scheduler = PACES[pace](
            SqlStore(database),
            {executor.name: executor},
            wakeups=database.wakeups,
            caller=InProcessCallbacks(bag, sources, clock=clock),
            clock=clock,
            settings=SchedulerSettings(grace_s=0),
        )
        flowcore = Flowcore(
            database,
            scheduler,
            bag,
            watch,
            secrets,
            xcoms=open_xcoms(Options().tries),
            clock=clock,
            options=Options(),
        )
        for dag in make_dags(times):
            flowcore.register(dag)
        await flowcore.store_registered()
        await nursery.start(database.serve)
        nursery.start_soon(watch.serve)
        await nursery.start(scheduler.serve)
        yield flowcore
        scheduler.stop()
        await scheduler.wait_stopped()
        nursery.cancel_scope.cancel()


async def carry_out(url: str, pace: str) -> tuple[float, float]:
    """Run the load once after a warm-up; task instances per second, and the chains' median hop in ms."""
    times: Times = []
    async with opened(url, pace, times) as flowcore:
        for _ in range(2):
            times.clear()
            began = time.perf_counter()
            count = await _run_all(flowcore)
            took_s = time.perf_counter() - began
    starts = sorted(start for start, _ in times)
    hops = [later - earlier for earlier, later in zip(starts, starts[RUNS["chain"] :], strict=False)]
    return count / took_s, median(hops or [0]) * 1_000


async def _run_all(flowcore: Flowcore) -> int:
    names = ["chain"] * RUNS["chain"] + ["fan_out"] * RUNS["fan_out"]
    names += [f"many_{n}" for n in range(20)] * RUNS["many"]
    runs = [await flowcore.trigger(name) for name in names]
    for run in runs:
        await run.wait()
    return sum([len(await run.task_instances()) for run in runs])


def measure(server: str, pace: str, schedulers: int) -> Outcome:
    """One cell of the table, on a database of its own."""
    with fresh_database(server, "flowcore_ablation") as url:
        command = [sys.executable, "-m", "benchmarks.ablation", "--serve", url, "--pace", pace]
        others = [subprocess.Popen(command) for _ in range(schedulers - 1)]
        try:
            with sampled_lock_waits(url) as waits:
                rate, hop_ms = anyio.run(carry_out, url, pace)
        finally:
            for other in others:
                other.terminate()
                other.wait()
    return Outcome(rate, hop_ms, waits)


async def serve(url: str, pace: str) -> None:
    """Be the second scheduler until terminated."""
    async with opened(url, pace, []):
        await anyio.sleep_forever()


@click.command()
@click.option("--serve", "serve_url", hidden=True)
@click.option("--pace", type=click.Choice(list(PACES)), hidden=True)
def main(serve_url: str | None, pace: str | None) -> None:
    """Print the table."""
    if serve_url and pace:
        anyio.run(serve, serve_url, pace)
        return
    rows, pairs = [], []
    with running_server(fsync=True) as server:
        for schedulers in (1, 2):
            for name in PACES:
                outcome = measure(server, name, schedulers)
                rows.append((name, schedulers, outcome.rate, outcome.hop_ms, outcome.waits.percent))
                pairs += [(name, schedulers, n, *pair) for pair, n in outcome.waits.pairs.most_common(5)]
    headers = ("routines run", "schedulers", "task instances/s", "hop ms", "lock waits %")
    print(tabulate(rows, headers=headers, floatfmt=".3g", tablefmt="github"))
    print("\nWhich statement waited for whose transaction, the newest statement of which is shown:")
    print(
        tabulate(pairs, headers=("routines run", "schedulers", "samples", "waits", "for"), tablefmt="github")
    )


if __name__ == "__main__":
    main()
