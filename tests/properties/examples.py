"""How the properties run their examples, and the loads that make a planted fault show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import anyio

from flowcore.domain.dags import Dag, Task
from flowcore.testing import Load, RunRequest, SimulationSettings, Sometimes, open_simulation
from flowcore.testing.clock import EPOCH
from flowcore.testing.scripts import Script
from flowcore.testing.simulation import Draw

YESTERDAY = EPOCH - timedelta(days=1)


def simulate(
    load: Load,
    seed: int,
    steps: int,
    settings: SimulationSettings | None = None,
    *,
    sometimes: Sometimes | None = None,
    backend: str = "asyncio",
) -> int:
    """Step a simulation in the order that the seed means, let it settle and stop; the steps taken."""
    draw = random.Random(seed).randrange
    return anyio.run(partial(_simulate, load, draw, steps, settings, sometimes), backend=backend)


async def _simulate(
    load: Load, draw: Draw, steps: int, settings: SimulationSettings | None, sometimes: Sometimes | None
) -> int:
    async with open_simulation(load, settings, sometimes=sometimes) as simulation:
        for _ in range(steps):
            await simulation.step(draw)
        await simulation.settle()
        await simulation.stop()
        return simulation.steps


def dag_of(*tasks: Task, dag_id: str = "dag", **options) -> Dag:
    return Dag(dag_id=dag_id, tasks=tasks, **options)


def load_of(
    dag: Dag, *, runs: int = 1, script: Script | None = None, pools: dict[str, int] | None = None
) -> Load:
    requests = [RunRequest(dag.dag_id, YESTERDAY - timedelta(days=n)) for n in range(runs)]
    return Load((dag,), tuple(requests), script or Script(), pools or {})


def independent_tasks(count: int, **options) -> Sequence[Task]:
    return [Task(task_id=f"task{n}", position=n, **options) for n in range(count)]


def chain_of(first: str, second: str) -> Sequence[Task]:
    return [
        Task(task_id=first, position=0, downstream=(1,)),
        Task(task_id=second, position=1, upstream=(0,)),
    ]
