"""`python -m benchmarks.secrets`: what asynchronous lookups are worth, and what a dead backend costs.

- 200 different secrets from a backend that takes 50 ms each: gathered, and one after the other;
- 1,000 lookups of one key at the same time: how often the backend is asked;
- the hop of a chain of 50 tasks: alone, and while 100 tasks wait for a backend that hangs; then how
  long 100 further tasks take to fail once the circuit is open, and how often the backend is asked.
"""

from __future__ import annotations

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
from flowcore.secrets.service import Secrets

LATENCY_S = 0.05
SECRETS = 200
LOOKUPS = 1_000
WAITING = 100


@attrs.define(eq=False)
class SlowBackend:
    """Answers every variable after a while."""

    latency_s: float
    name: str = "slow"
    calls: int = 0
    is_busy: anyio.Event = attrs.field(factory=anyio.Event)

    async def get_connection(self, conn_id: str) -> str | None:
        return None

    async def get_variable(self, key: str) -> str | None:
        self.calls += 1
        if self.calls == WAITING:
            self.is_busy.set()
        await anyio.sleep(self.latency_s)
        return key

    async def aclose(self) -> None:
        """There is nothing to close."""


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


async def measure_lookups(loop: str) -> list[tuple[str, str, str]]:
    keys = [f"key{number}" for number in range(SECRETS)]
    async with serving(SlowBackend(LATENCY_S)) as secrets:
        gathered_s = await look_up_at_once(secrets, keys)
    async with serving(SlowBackend(LATENCY_S)) as secrets:
        in_turn_s = await look_up_in_turn(secrets, keys)
    backend = SlowBackend(LATENCY_S)
    async with serving(backend) as secrets:
        same_s = await look_up_at_once(secrets, ["key"] * LOOKUPS)
    assert backend.calls == 1
    return [
        (loop, f"{SECRETS} secrets gathered", f"{gathered_s * 1e3:.0f} ms"),
        (
            loop,
            f"{SECRETS} secrets in turn",
            f"{in_turn_s:.1f} s, {in_turn_s / gathered_s:.0f} times as long",
        ),
        (loop, f"{LOOKUPS} lookups of one key", f"{same_s * 1e3:.0f} ms, {backend.calls} call"),
    ]


def make_waiting() -> DAG:
    with DAG("waiting", max_active_tasks=0, max_active_runs=0) as dag:

        @task
        async def need(number: int) -> None:
            await Variable.aget(f"key{number}")

        for number in range(WAITING):
            need.override(task_id=f"need{number}")(number)
    return dag


async def run_chain(fc: flowcore.Flowcore, times: Times) -> float:
    """The median hop in milliseconds."""
    times.clear()
    await (await fc.trigger("chain")).wait()
    return median(start - end for (_, end), (start, _) in pairwise(times)) * 1e3


async def measure_dead_backend(loop: str) -> list[tuple[str, str, str]]:
    backend, times = SlowBackend(float("inf")), Times()
    dags = [*LOADS["chain"].make(times), make_waiting()]
    secrets = SecretsOptions(backends=(backend,))
    options = Options(async_parallelism=10_000, default_pool_slots=-1, secrets=secrets)
    async with flowcore.open("sqlite://", dags=dags, options=options) as fc:
        await run_chain(fc, times)
        alone_ms = median([await run_chain(fc, times) for _ in range(15)])
        waiting = await fc.trigger("waiting")
        await backend.is_busy.wait()
        beside_ms = median([await run_chain(fc, times) for _ in range(15)])
        await waiting.wait()
        began, asked = time.perf_counter(), backend.calls
        await (await fc.trigger("waiting")).wait()
        refused_s = time.perf_counter() - began
    return [
        (loop, "hop of a chain, alone", f"{alone_ms:.2f} ms"),
        (loop, f"the same while {WAITING} tasks wait for a dead backend", f"{beside_ms:.2f} ms"),
        (loop, f"{WAITING} more tasks, circuit open", f"{refused_s:.2f} s, {backend.calls - asked} calls"),
    ]


def main() -> None:
    rows = []
    for loop in ("asyncio", "trio"):
        rows += anyio.run(measure_lookups, loop, backend=loop)
        rows += anyio.run(measure_dead_backend, loop, backend=loop)
    print(tabulate(rows, headers=("loop", "what", "result"), tablefmt="github"))


if __name__ == "__main__":
    main()
