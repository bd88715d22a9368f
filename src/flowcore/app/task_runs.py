"""Carry out one try of one task as the local executor does, outside every run: `flowcore tasks run`."""

from __future__ import annotations

import anyio
import attrs

from flowcore.app.task_tests import workload_of_task
from flowcore.app.try_sources import sources_outside_runs
from flowcore.clock import SystemClock
from flowcore.concurrency.current_backend import current_backend
from flowcore.concurrency.single_error import single_error
from flowcore.database.engine import Database
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import Report, RunFacts, TryEnded
from flowcore.errors import InvariantBroken
from flowcore.executors.local import LocalExecutor
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.endings import Ending
from flowcore.runner.logs.printed_logs import PrintedLogs
from flowcore.runner.processes.owner import open_fork_server
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets


@attrs.frozen
class _OneFile:
    """Implements `DagSources` and `DagCatalogue` for one Dag file."""

    source: DagSource

    async def get(self, dag_version_id: int) -> DagSource:
        return self.source

    def has_dag(self, dag_id: str) -> bool:
        return True


@attrs.define
class _End:
    """Implements `ReportSink`, and keeps how the try ended."""

    ended: TryEnded | None = None

    def report(self, report: Report) -> None:
        if isinstance(report, TryEnded):
            self.ended = report


async def run_task_apart(
    dag: DAG,
    source: DagSource,
    task_id: str,
    *,
    run: RunFacts,
    map_index: int = -1,
    database: Database,
    secrets: Secrets,
    settings: TrySettings,
) -> Ending:
    """Carry out the task's first try as in `run`, in a process of its own that imports `source`.

    What it logs and prints is printed; what it pushes is returned and not stored.

    Raises:
        TaskNotFound: the Dag has no such task.
        ForkServerGone: no process can be made.
    """
    workload, file, end = workload_of_task(dag, task_id, run, map_index=map_index), _OneFile(source), _End()
    with single_error():
        async with (
            open_fork_server(answer=ImportAnswers(secrets).answer) as forks,
            anyio.create_task_group() as nursery,
        ):
            executor = LocalExecutor(
                forks,
                file,
                file,
                sources_outside_runs(database, secrets),
                clock=SystemClock(),
                settings=settings,
                backend=current_backend(),
                logs=PrintedLogs(),
            )
            await nursery.start(executor.serve, end)
            executor.submit(workload)
            await executor.wait_idle()
            nursery.cancel_scope.cancel()
    if end.ended is None:
        raise InvariantBroken(f"the end of {workload} was not reported; please report it")
    return Ending(end.ended.outcome, end.ended.xcoms, end.ended.error, end.ended.effects)
