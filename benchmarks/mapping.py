"""`python -m benchmarks.mapping`: how long a task mapped over 10,000 elements takes to get its instances.

Measured is what the scheduling routine does when the source has ended: the decision, and the transaction that
writes it.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median

import anyio
from tabulate import tabulate

from flowcore.domain.dags import Dag, Task
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.task_mapping import Length, LengthKind
from flowcore.domain.workloads import TryEffects, TryOutcome
from flowcore.scheduler.decisions.end_tries import end_try
from flowcore.scheduler.decisions.run_changes import Instance
from flowcore.scheduler.decisions.run_progress import RunProgress
from tests.support.fresh_database import fresh_database
from tests.support.postgres import running_server
from tests.support.scheduling import Scene, ended_now, open_scene

ELEMENTS = 10_000
ROUNDS = 5

DAG = Dag(
    dag_id="etl",
    tasks=(
        Task(task_id="source", position=0, downstream=(1,), priority_weight=10),
        Task(task_id="mapped", position=1, upstream=(0,), downstream=(2,), mapping=0),
        Task(task_id="report", position=2, upstream=(1,)),
    ),
    mappings=(Length(LengthKind.OUTPUT, source=0),),
)


#: Seconds on the clock, and of this process on a processor.
Seconds = tuple[float, float]


def decide() -> Seconds:
    """What the decision takes alone."""
    progress = RunProgress(DAG)
    progress.settle_all()
    effects = TryEffects(length=ELEMENTS)
    began = _now()
    progress.settle([Instance(0, -1, TaskInstanceState.SUCCESS, effects)])
    return _since(began)


async def expand(scene: Scene) -> Seconds:
    """What the expansion of one run takes."""
    run = await scene.trigger()
    await scene.start()
    [workload] = await scene.enqueue()
    effects = TryEffects(length=ELEMENTS)
    ended = ended_now(workload, TryOutcome.SUCCESS, scene.now, effects=effects)
    await scene.store.apply_reports(end_try, started=[], ended=[ended])
    began = _now()
    await scene.schedule()
    took = _since(began)
    assert len(await scene.task_instances(run)) == ELEMENTS + 2
    return took


async def measure(url: str) -> list[Seconds]:
    """Every round on one database."""
    async with open_scene(url) as scene:
        await scene.register(DAG)
        # So that the source, which is the heaviest, is what is claimed.
        scene.executor.places = 1
        return [await expand(scene) for _ in range(ROUNDS)]


def main() -> None:
    """Print the table."""
    rows = [("decision", *_medians([decide() for _ in range(ROUNDS)]))]
    with tempfile.TemporaryDirectory(prefix="flowcore-bench-") as folder:
        rows.append(("sqlite", *_medians(anyio.run(measure, f"sqlite:///{Path(folder) / 'bench.db'}"))))
    with running_server(fsync=True) as server, fresh_database(server, "flowcore_mapping") as url:
        rows.append(("postgresql", *_medians(anyio.run(partial(measure, url)))))
    print(tabulate(rows, headers=(f"{ELEMENTS:,} elements", "s", "CPU s"), floatfmt=".3f"))


def _medians(rounds: list[Seconds]) -> Seconds:
    wall, cpu = zip(*rounds, strict=True)
    return median(wall), median(cpu)


def _now() -> Seconds:
    return time.perf_counter(), time.process_time()


def _since(began: Seconds) -> Seconds:
    wall, cpu = _now()
    return wall - began[0], cpu - began[1]


if __name__ == "__main__":
    main()
