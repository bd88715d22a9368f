"""Run one load through an embedded scheduler and take its figures."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median

import anyio
import attrs

import flowcore
from benchmarks.loads import Load, Times
from flowcore.app.options import Options
from flowcore.domain.states import DagRunState


@attrs.frozen
class Figures:
    """Of one round: seconds, milliseconds per hop (median), and what it cost the database."""

    makespan_s: float
    hop_ms: float
    task_instances_per_s: float
    statements_per_task_instance: float
    transactions_per_task_instance: float


async def measure(load: Load, url: str, rounds: int) -> Figures:
    """Run the load `rounds` times after a warm-up; the medians."""
    async with flowcore.open(url, options=Options(async_parallelism=10_000, default_pool_slots=-1)) as fc:
        times: Times = []
        for dag in load.make(times):
            fc.register(dag)
        await fc.store_registered()
        dag_ids = [dag.dag_id for dag in load.make([])]
        figures = [await _round(fc, load, dag_ids, times) for _ in range(rounds + 1)][1:]
    return Figures(*(median(column) for column in zip(*map(attrs.astuple, figures), strict=True)))


async def _round(fc: flowcore.Flowcore, load: Load, dag_ids: list[str], times: Times) -> Figures:
    times.clear()
    before = fc.statistics().database
    began = time.perf_counter()
    runs: list[flowcore.Run] = []

    async def trigger(dag_id: str) -> None:
        runs.append(await fc.trigger(dag_id))

    async with anyio.create_task_group() as nursery:
        for dag_id in dag_ids * load.runs_per_dag:
            nursery.start_soon(trigger, dag_id)
    for run in runs:
        state = await run.wait()
        assert state is DagRunState.SUCCESS, f"{run.dag_id} ended {state}"
    makespan_s = time.perf_counter() - began
    used = fc.statistics().database.since(before)
    assert len(times) == load.task_instances, f"{len(times)} tries for {load.task_instances} task instances"
    hops = [start - end for (_, end), (start, _) in pairwise(times)]
    return Figures(
        makespan_s,
        median(hops) * 1_000,
        load.task_instances / makespan_s,
        used.statements / load.task_instances,
        used.transactions / load.task_instances,
    )
