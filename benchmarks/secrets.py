"""`python -m benchmarks.secrets`: what asynchronous lookups are worth, and what a dead backend costs.

- 200 different secrets from a backend that takes 50 ms each: gathered, and one after the other;
- 1,000 lookups of one key at the same time: how often the backend is asked;
- the hop of a chain of 50 tasks: alone, and while 100 tasks wait for a backend that hangs, in turns; then
  the backend fails, and 100 further tasks show how often it is asked once the circuit is open.

Beside each figure stands its floor: what the backend's latency alone would take, or the hop alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from statistics import median

import anyio
import attrs
from tabulate import tabulate

import flowcore
from benchmarks.loads import LOADS, Times
from flowcore.app.options import Options
from flowcore.app.secrets import SecretsOptions, serve_secrets
from flowcore.database.engine import open_database
from flowcore.database.schema import prepare
from flowcore.sdk import DAG, Variable, task
from flowcore.secrets.circuit import CircuitState
from flowcore.secrets.guard import Limits
from flowcore.secrets.service import Secrets

Row = tuple[str, str, str, str, str]

LATENCY_S = 0.05
SECRETS = 200
LOOKUPS = 1_000
WAITING = 100
#: Of the quick measurements; the best of them is told, for the others were disturbed.
REPETITIONS = 5
#: Of hops alone and hops beside a dead backend, and chains in each.
ROUNDS, CHAINS = 3, 5


@attrs.define(eq=False)
class SlowBackend:
    """Answers every variable after a while."""

    latency_s: float
    name: str = "slow"
    calls: int = 0

    async def get_connection(self, conn_id: str) -> str | None:
        return None

    async def get_variable(self, key: str) -> str | None:
        self.calls += 1
        await anyio.sleep(self.latency_s)
        return key

    async def aclose(self) -> None:
        """There is nothing to close."""


@attrs.define(eq=False)
class DeadBackend(SlowBackend):
    """Answers nobody, and fails in the end."""

    latency_s: float = 0.0
    name: str = "dead"
    is_busy: anyio.Event = attrs.field(factory=anyio.Event)
    ends: anyio.Event = attrs.field(factory=anyio.Event)

    async def get_variable(self, key: str) -> str | None:
        self.calls += 1
        if self.calls == WAITING:
            self.is_busy.set()
        await self.ends.wait()
        raise ConnectionError


@asynccontextmanager
async def serving(backend: SlowBackend) -> AsyncIterator[Secrets]:
    async with open_database("sqlite://") as database:
        await database.run(prepare)
        async with serve_secrets(database, SecretsOptions(backends=(backend,))) as secrets:
            yield secrets


async def look_up_at_once(secrets: Secrets, keys: list[str]) -> float:
    began = time.perf_counter()
    async with anyio.create_task_group() as nursery:
        for key in keys:
            nursery.start_soon(secrets.variable, key)
    return time.perf_counter() - began


async def look_up_in_turn(secrets: Secrets, keys: list[str]) -> float:
    began = time.perf_counter()
    for key in keys:
        await secrets.variable(key)
    return time.perf_counter() - began


async def measure_gathered(keys: list[str]) -> tuple[float, float, int]:
    """The best time of several, the least CPU time, and how often the backend was asked each time."""
    times, cpu_times = [], []
    for _ in range(REPETITIONS):
        backend = SlowBackend(LATENCY_S)
        async with serving(backend) as secrets:
            began_cpu_s = time.process_time()
            times.append(await look_up_at_once(secrets, keys))
            cpu_times.append(time.process_time() - began_cpu_s)
    return min(times), min(cpu_times), backend.calls


async def measure_lookups(loop: str) -> list[Row]:
    keys = [f"key{number}" for number in range(SECRETS)]
    gathered_s, gathered_cpu_s, _ = await measure_gathered(keys)
    async with serving(SlowBackend(LATENCY_S)) as secrets:
        in_turn_s = await look_up_in_turn(secrets, keys)
    same_s, same_cpu_s, calls = await measure_gathered(["key"] * LOOKUPS)
    assert calls == 1
    return [
        row(loop, f"{SECRETS} secrets gathered", gathered_s, LATENCY_S),
        (loop, "CPU time of that", shown(gathered_cpu_s), "", ""),
        row(loop, f"{SECRETS} secrets in turn", in_turn_s, LATENCY_S * SECRETS),
        (loop, "in turn ÷ gathered", "", "", f"{in_turn_s / gathered_s:.0f}"),
        row(loop, f"{LOOKUPS} lookups of one key ({calls} call)", same_s, LATENCY_S),
        (loop, "CPU time of that", shown(same_cpu_s), "", ""),
    ]


def make_waiting() -> DAG:
    with DAG("waiting", max_active_tasks=0, max_active_runs=0) as dag:

        @task
        async def need(number: int) -> None:
            await Variable.aget(f"key{number}")

        for number in range(WAITING):
            need.override(task_id=f"need{number}")(number)
    return dag


async def run_chains(fc: flowcore.Flowcore, times: Times) -> float:
    """The median hop of some chains in seconds."""
    hops = []
    for _ in range(CHAINS):
        times.clear()
        await (await fc.trigger("chain")).wait()
        hops += [start - end for (_, end), (start, _) in pairwise(times)]
    return median(hops)


@attrs.frozen
class Round:
    """Hops alone and beside the dead backend, in seconds; then the tasks that came with the circuit open."""

    alone_s: float
    beside_s: float
    refused_s: float
    calls: int


async def measure_round() -> Round:
    backend, times = DeadBackend(), Times()
    dags = [*LOADS["chain"].make(times), make_waiting()]
    secrets = SecretsOptions(backends=(backend,), limits=Limits(deadline_s=600.0))
    options = Options(async_parallelism=10_000, default_pool_slots=-1, secrets=secrets)
    async with flowcore.open("sqlite://", dags=dags, options=options) as fc:
        await run_chains(fc, times)
        alone_s = await run_chains(fc, times)
        waiting = await fc.trigger("waiting")
        await backend.is_busy.wait()
        beside_s = await run_chains(fc, times)
        backend.ends.set()
        await waiting.wait()
        assert fc.statistics().secrets.backends[0].circuit is CircuitState.OPEN
        began, asked = time.perf_counter(), backend.calls
        await (await fc.trigger("waiting")).wait()
        return Round(alone_s, beside_s, time.perf_counter() - began, backend.calls - asked)


async def measure_dead_backend(loop: str) -> list[Row]:
    rounds = [await measure_round() for _ in range(ROUNDS)]
    alone_s = median(it.alone_s for it in rounds)
    ratio = median(it.beside_s / it.alone_s for it in rounds)
    calls = sum(it.calls for it in rounds)
    return [
        (loop, "hop of a chain, alone", shown(alone_s), "", ""),
        (
            loop,
            f"hop while {WAITING} tasks wait for a dead backend",
            shown(median(it.beside_s for it in rounds)),
            shown(alone_s),
            f"{ratio:.2f}",
        ),
        (
            loop,
            f"{WAITING} more tasks, circuit open ({calls} calls)",
            shown(median(it.refused_s for it in rounds)),
            "",
            "",
        ),
    ]


def row(loop: str, what: str, seconds: float, floor_s: float) -> Row:
    return loop, what, shown(seconds), shown(floor_s), f"{seconds / floor_s:.2f}"


def shown(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def main() -> None:
    logging.disable(logging.WARNING)  # tasks fail here on purpose
    rows: list[Row] = []
    for loop in ("asyncio", "trio"):
        rows += anyio.run(measure_lookups, loop, backend=loop)
        rows += anyio.run(measure_dead_backend, loop, backend=loop)
    print(tabulate(rows, headers=("loop", "what", "time", "floor", "÷ floor"), tablefmt="github"))


if __name__ == "__main__":
    main()
