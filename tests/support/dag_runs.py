"""One run of a Dag through the real scheduler, in memory: for tests of operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

import flowcore
from flowcore.app.options import Options
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.sdk import DAG


@attrs.frozen
class Ended:
    """How a task instance ended, what it returned, and its error if it failed."""

    state: TaskInstanceState
    xcom: Any
    error: str | None


async def run_dag(dag: DAG, conf: Mapping[str, Any] | None = None) -> tuple[DagRunState, dict[str, Ended]]:
    """Run the Dag to its end; the run's state, and its tasks by id (mapped ones as `task[index]`)."""
    async with flowcore.open("sqlite://", dags=[dag], options=Options(creates_dag_runs=False)) as fc:
        run = await fc.trigger(dag.dag_id, conf=conf)
        state = await run.wait()
        ended = {}
        for item in await run.task_instances():
            name = item.task_id if item.map_index < 0 else f"{item.task_id}[{item.map_index}]"
            xcom = await run.xcom(item.task_id, map_index=item.map_index)
            assert item.state is not None
            ended[name] = Ended(item.state, xcom, item.error)
        return state, ended


async def run_task(dag: DAG) -> Ended:
    """Run a Dag of one task; how the task ended."""
    _, ended = await run_dag(dag)
    [only] = ended.values()
    return only
