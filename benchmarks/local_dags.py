"""The loads of `benchmarks.local`, for Dag files of one line each; their tasks note when they ran."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import anyio

from flowcore.sdk import DAG, chain, task

#: Beside the folder of the Dag files, which is watched.
TIMES = Path(__file__).parents[1] / "times"


def note() -> None:
    # One write of a short line is not torn apart, whoever else writes.
    with TIMES.open("a") as times:
        times.write(f"{time.time()}\n")


def function() -> None:
    note()


async def coroutine() -> None:
    note()


async def sleep() -> None:
    try:
        await anyio.sleep_forever()
    finally:
        note()


def fan_out(dag_id: str, work: Callable[[], object]) -> DAG:
    """One root, 500 parallel tasks, one join."""
    with DAG(dag_id, max_active_tasks=0) as dag:
        wide = [task(work).override(task_id=f"t{n}")() for n in range(500)]
        task(work).override(task_id="root")() >> wide >> task(work).override(task_id="join")()
    return dag


def line(dag_id: str, work: Callable[[], object]) -> DAG:
    """50 tasks, one after the other."""
    with DAG(dag_id, max_active_tasks=0) as dag:
        chain(*[task(work).override(task_id=f"t{n}")() for n in range(50)])
    return dag


def sleepers(dag_id: str, count: int) -> DAG:
    """Tasks that do not end, and note when they are cancelled."""
    with DAG(dag_id, max_active_tasks=0) as dag:
        for n in range(count):
            task(sleep).override(task_id=f"t{n}")()
    return dag
