"""Carry out one try of one task in this process, outside every run: what `flowcore tasks test` does."""

from __future__ import annotations

import anyio
import attrs

from flowcore.app.try_sources import sources_outside_runs
from flowcore.database.engine import Database
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.runner.answers import Answers
from flowcore.runner.endings import Ending
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.tries import Try
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator
from flowcore.secrets.service import Secrets


@attrs.frozen
class _TasksOf:
    dag: DAG

    async def task(self, workload: Workload) -> BaseOperator:
        return self.dag.get_task(workload.task_id)


def workload_of_task(dag: DAG, task_id: str, run: RunFacts, *, map_index: int = -1) -> Workload:
    """The first try of a task that has no task instance.

    Raises:
        TaskNotFound: the Dag has no such task.
    """
    found = dag.get_task(task_id).task_id
    task = next(task for task in dag.compile().tasks if task.task_id == found)
    return Workload(
        task_instance_id=0,
        token=0,
        task_id=task_id,
        position=task.position,
        run=run,
        map_index=map_index,
        runs_in=task.runs_in,
        backend=task.backend,
        execution_timeout_s=task.execution_timeout_s,
    )


async def try_task(
    dag: DAG,
    task_id: str,
    *,
    run: RunFacts,
    map_index: int = -1,
    database: Database,
    secrets: Secrets,
    settings: TrySettings,
) -> Ending:
    """Carry out the task's first try as in `run`; what it pushes is returned and not stored.

    Raises:
        TaskNotFound: the Dag has no such task.
    """
    workload = workload_of_task(dag, task_id, run, map_index=map_index)
    carried_out = Try(
        workload,
        tasks=_TasksOf(dag),
        comms=LoopComms(Answers(workload, sources_outside_runs(database, secrets))),
        threads=anyio.CapacityLimiter(1),
        on_start=lambda: None,
        settings=settings,
    )
    return await carried_out.run()
