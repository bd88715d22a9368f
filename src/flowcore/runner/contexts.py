"""Builds the context of a try, and pieces of that of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, cast

from flowcore.domain.assets import AssetEvent
from flowcore.domain.dag_runs import DagRun
from flowcore.domain.params import validate_params
from flowcore.domain.states import DagRunState
from flowcore.domain.workloads import RunFacts
from flowcore.runner.author_times import author_time
from flowcore.runner.task_instances import RunningTaskInstance
from flowcore.sdk.accessors import ConnectionAccessor, VariableAccessor
from flowcore.sdk.assets.events import OutletEvents
from flowcore.sdk.assets.seen_events import InletEvents, TriggeringAssetEvents
from flowcore.sdk.configuration import conf
from flowcore.sdk.context import Context
from flowcore.sdk.lazy_context import LaterValue, LazyContext
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.state_stores import AssetStateStores, TaskStateStore
from flowcore.sdk.templates import macros

#: What is looked up when it is asked for.
LATER_KEYS = frozenset(
    {
        "prev_data_interval_end_success",
        "prev_data_interval_start_success",
        "prev_end_date_success",
        "prev_start_date_success",
    }
)

CONN = ConnectionAccessor()
VAR = {"value": VariableAccessor(False), "json": VariableAccessor(True)}


def context_of(
    ti: RunningTaskInstance,
    task: BaseOperator,
    *,
    previous_success: Callable[[], DagRun | None],
    count: Callable[[], int],
    consumed: Callable[[], Sequence[AssetEvent]],
) -> Context:
    """The context in which `task` runs as `ti`; `flowcore.sdk.Context` says what the keys mean.

    `previous_success` looks up the successful run before this one, when somebody wants to know, `count`
    how many instances the task has, and `consumed` the events of assets that the run was made for.

    Raises:
        ParamError: the task has a param that the run gives no value, or a bad one.
    """
    run = ti.workload.run
    context = LazyContext(
        conf=conf,
        conn=CONN,
        dag=task.dag,
        dag_run=dag_run_of(run),
        expanded_ti_count=None if task.mapping is None else LaterValue(count),
        macros=macros,
        map_index_template=task.map_index_template if task.mapping is not None else None,
        partition_date=author_time(run.partition_date),
        partition_key=run.partition_key,
        params=_params(run, task),
        prev_start_date_success=_later(previous_success, "start_date"),
        prev_end_date_success=_later(previous_success, "end_date"),
        run_id=run.run_id,
        start_date=ti.start_date,
        task=task,
        task_instance=ti,
        task_instance_key_str=f"{run.dag_id}__{ti.task_id}__{run.run_id}",
        task_reschedule_count=ti.workload.reschedules,
        task_state_store=TaskStateStore(ti.comms),
        test_mode=False,
        ti=ti,
        try_number=ti.try_number,
        var=VAR,
        **_about_assets(ti, task, consumed),
    )
    if run.logical_date is not None:
        context.update(dates_of(run, run.logical_date))
        context["task_instance_key_str"] = f"{run.dag_id}__{ti.task_id}__{context['ds_nodash']}"
        context["prev_data_interval_start_success"] = _later(previous_success, "data_interval_start")
        context["prev_data_interval_end_success"] = _later(previous_success, "data_interval_end")
    return cast("Context", context)


def _about_assets(
    ti: RunningTaskInstance, task: BaseOperator, consumed: Callable[[], Sequence[AssetEvent]]
) -> Mapping[str, Any]:
    return {
        "asset_state_store": AssetStateStores(task.inlets, task.outlets, ti.comms),
        "inlet_events": InletEvents(task.inlets, ti.comms),
        "inlets": list(task.inlets),
        "outlet_events": OutletEvents(task.outlets, partition_key=ti.workload.run.partition_key),
        "outlets": list(task.outlets),
        "triggering_asset_events": TriggeringAssetEvents(consumed),
    }


def _later(run: Callable[[], DagRun | None], field: str) -> LaterValue:
    def look_up() -> datetime | None:
        found = run()
        return None if found is None else author_time(attrgetter(field)(found))

    return LaterValue(look_up)


def dag_run_of(run: RunFacts, state: DagRunState = DagRunState.RUNNING) -> DagRun:
    """The run as authors see it."""
    return DagRun(
        dag_id=run.dag_id,
        run_id=run.run_id,
        run_type=run.run_type,
        state=state,
        run_after=author_time(run.run_after),
        logical_date=author_time(run.logical_date),
        data_interval_start=author_time(run.data_interval_start),
        data_interval_end=author_time(run.data_interval_end),
        start_date=author_time(run.start_date),
        # A copy: authors change it, and the run's facts are shared by all its tries.
        conf=dict(run.conf),
        partition_key=run.partition_key,
        partition_date=author_time(run.partition_date),
    )


def _params(run: RunFacts, task: BaseOperator) -> dict[str, Any]:
    documents = {name: param.document() for name, param in task.params.items()}
    given = {name: run.conf[name] for name in documents if name in run.conf}
    return {**run.params, **validate_params(run.dag_id, documents, given)}


def dates_of(run: RunFacts, logical_date: datetime) -> Mapping[str, Any]:
    """What follows from the logical date of a run, by key."""
    ts = logical_date.isoformat()
    ds = ts[:10]
    return {
        "logical_date": author_time(logical_date),
        "data_interval_start": author_time(run.data_interval_start),
        "data_interval_end": author_time(run.data_interval_end),
        "ds": ds,
        "ds_nodash": ds.replace("-", ""),
        "ts": ts,
        "ts_nodash": ts[:19].replace("-", "").replace(":", ""),
        "ts_nodash_with_tz": ts.replace("-", "").replace(":", ""),
    }
