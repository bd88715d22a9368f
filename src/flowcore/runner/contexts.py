"""Builds the context of a try."""

from __future__ import annotations

from datetime import datetime

from flowcore.domain.workloads import RunFacts
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.accessors import ConnectionAccessor, VariableAccessor
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.templates import macros


def context_of(ti: RunningTaskInstance, task: BaseOperator) -> Context:
    """The context in which `task` runs as `ti`; `flowcore.sdk.Context` says what the keys mean."""
    run = ti.workload.run
    context: Context = {
        "conn": ConnectionAccessor(),
        "dag_run": run,
        "macros": macros,
        "run_id": run.run_id,
        # A copy: authors change it, and the run's facts are shared by all its tries.
        "params": dict(run.params),
        "task": task,
        "ti": ti,
        "task_instance": ti,
        "try_number": ti.try_number,
        "var": {"value": VariableAccessor(False), "json": VariableAccessor(True)},
    }
    if task.dag is not None:
        context["dag"] = task.dag
    if run.logical_date is not None:
        context.update(_dates(run, run.logical_date))
    return context


def _dates(run: RunFacts, logical_date: datetime) -> Context:
    ts = logical_date.isoformat()
    ds = ts[:10]
    return {
        "logical_date": logical_date,
        "data_interval_start": run.data_interval_start,
        "data_interval_end": run.data_interval_end,
        "ds": ds,
        "ds_nodash": ds.replace("-", ""),
        "ts": ts,
        "ts_nodash": ts[:19].replace("-", "").replace(":", ""),
        "ts_nodash_with_tz": ts.replace("-", "").replace(":", ""),
    }
