"""The loads: Dags of `async def` tasks that do nothing, with every limit out of the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs

from flowcore.sdk import DAG, chain, task

#: When the user's code of each task began and ended, in seconds of `time.perf_counter`, in order.
Times = list[tuple[float, float]]


@attrs.frozen
class Load:
    """Dags to register, how often to run each, and how many task instances that makes."""

    name: str
    make: Callable[[Times], list[DAG]]
    runs_per_dag: int
    task_instances: int


def _no_op(times: Times) -> Any:
    async def no_op() -> None:
        times.append((time.perf_counter(), time.perf_counter()))

    return task(no_op)


def _dag(dag_id: str) -> DAG:
    return DAG(dag_id, max_active_tasks=0, max_active_runs=0)


def make_chain(times: Times, length: int = 50) -> list[DAG]:
    """Tasks in a line: what one hop takes on an idle system."""
    with _dag("chain") as dag:
        no_op = _no_op(times)
        chain(*[no_op.override(task_id=f"t{n}")() for n in range(length)])
    return [dag]


def make_fan_out(times: Times, width: int = 500) -> list[DAG]:
    """One root, many parallel tasks, one join: how wide a single run can be."""
    with _dag("fan_out") as dag:
        no_op = _no_op(times)
        wide = [no_op.override(task_id=f"t{n}")() for n in range(width)]
        no_op.override(task_id="root")() >> wide >> no_op.override(task_id="join")()
    return [dag]


def make_many(times: Times, dags: int = 50) -> list[DAG]:
    """Many small runs at once: diamonds of ten tasks."""
    made = []
    for n in range(dags):
        with _dag(f"many_{n}") as dag:
            no_op = _no_op(times)
            middle = [no_op.override(task_id=f"t{m}")() for m in range(8)]
            no_op.override(task_id="root")() >> middle >> no_op.override(task_id="join")()
        made.append(dag)
    return made


LOADS = {
    "chain": Load("chain", make_chain, 1, 50),
    "fan_out": Load("fan_out", make_fan_out, 1, 502),
    "many_runs": Load("many_runs", make_many, 2, 1_000),
}
