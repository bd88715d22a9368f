"""Render the templates of a task without running it, for a run that exists or is made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowcore.app.try_sources import sources_outside_runs
from flowcore.database.engine import Database
from flowcore.domain.params import validate_params
from flowcore.domain.try_settings import TrySettings
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.runner.answers import Answers
from flowcore.runner.loop_comms import LoopComms
from flowcore.runner.preparation import prepared
from flowcore.sdk.comms.questions import aanswered, current_comms
from flowcore.sdk.context import current_context
from flowcore.sdk.dags import DAG
from flowcore.secrets.service import Secrets


async def render_task(
    dag: DAG,
    task_id: str,
    *,
    run: RunFacts,
    map_index: int = -1,
    database: Database,
    secrets: Secrets,
    settings: TrySettings,
) -> dict[str, Any]:
    """What the fields with templates become, as it may be shown; asks for things as a try would.

    Raises:
        TaskNotFound: The Dag has no such task.
        FlowcoreError: A template fails, or a value that it needs is not there.
    """
    task = dag.get_task(task_id)
    workload = Workload(
        task_instance_id=0, token=0, task_id=task_id, position=0, run=run, map_index=map_index
    )
    comms = LoopComms(Answers(workload, sources_outside_runs(database, secrets)))
    making = prepared(task, workload, comms=comms, pushed={}, settings=settings)
    ready = await aanswered(making, comms)
    with current_context(ready.context), current_comms(comms):
        return await aanswered(ready.rendered(), comms)


def made_up_run(dag: DAG, *, logical_date: datetime, conf: Mapping[str, Any], now: datetime) -> RunFacts:
    """A run by hand as it would be if somebody triggered it now; it is in no database.

    Raises:
        ParamError: `conf` breaks the Dag's params.
    """
    interval = dag.timetable.infer_manual_data_interval(run_after=logical_date)
    return RunFacts(
        dag_run_id=0,
        dag_id=dag.dag_id,
        run_id=f"manual__{logical_date.isoformat()}",
        run_type="manual",
        dag_version_id=0,
        run_after=now,
        logical_date=logical_date,
        data_interval_start=interval.start,
        data_interval_end=interval.end,
        start_date=now,
        conf=conf,
        params=validate_params(
            dag.dag_id, {name: param.document() for name, param in dag.params.items()}, conf
        ),
    )
