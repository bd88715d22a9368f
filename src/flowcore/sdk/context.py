"""What a task can learn about its try: the context, and how to get at it from anywhere in the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypedDict

from flowcore.errors import UsageError

if TYPE_CHECKING:
    from flowcore.domain.dag_runs import DagRun
    from flowcore.sdk.accessors import ConnectionAccessor, VariableAccessor
    from flowcore.sdk.assets.events import OutletEvents
    from flowcore.sdk.assets.lookups import Outlet
    from flowcore.sdk.assets.seen_events import InletEvents, TriggeringAssetEvents
    from flowcore.sdk.configuration import Configuration
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator
    from flowcore.sdk.state_stores import AssetStateStores, TaskStateStore
    from flowcore.sdk.task_instances import TaskInstance


class Context(TypedDict, total=False):
    """The context of a try, with Airflow's keys and meanings; times are aware and in UTC.

    The keys from `logical_date` to `prev_data_interval_end_success` are absent when the run has no logical
    date. Those that begin with `prev` are looked up when they are asked for; see `lazy_context.py`.
    """

    asset_state_store: AssetStateStores
    conf: Configuration
    conn: ConnectionAccessor
    dag: DAG
    dag_run: DagRun
    expanded_ti_count: int | None
    inlet_events: InletEvents
    inlets: Sequence[Outlet]
    macros: ModuleType
    map_index_template: str | None
    outlet_events: OutletEvents
    outlets: Sequence[Outlet]
    partition_date: datetime | None
    partition_key: str | None
    params: Mapping[str, Any]
    prev_end_date_success: datetime | None
    prev_start_date_success: datetime | None
    run_id: str
    start_date: datetime
    task: BaseOperator
    task_instance: TaskInstance
    task_instance_key_str: str
    task_reschedule_count: int
    task_state_store: TaskStateStore
    templates_dict: Mapping[str, Any] | None
    test_mode: bool
    ti: TaskInstance
    triggering_asset_events: TriggeringAssetEvents
    try_number: int
    var: Mapping[str, VariableAccessor]
    logical_date: datetime
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    ds: str
    ds_nodash: str
    ts: str
    ts_nodash: str
    ts_nodash_with_tz: str
    prev_data_interval_start_success: datetime | None
    prev_data_interval_end_success: datetime | None


CONTEXT_KEYS = frozenset(Context.__annotations__)
#: Keys that parameters of functions are filled from. Authors call their own things `conf`.
PARAMETER_KEYS = CONTEXT_KEYS - {"conf"}

_current_context: ContextVar[Context | None] = ContextVar("flowcore_context", default=None)


def get_current_context() -> Context:
    """The context of the try that calls this, directly or through other functions.

    Raises:
        UsageError: No task is running here.
    """
    context = _current_context.get()
    if context is None:
        raise UsageError(
            "get_current_context() was called outside a running task; call it inside the function of a task,"
            " not while the Dag file is read"
        )
    return context


@contextmanager
def current_context(context: Context) -> Iterator[None]:
    """Make `context` the current one inside this block; for the runner only."""
    token = _current_context.set(context)
    try:
        yield
    finally:
        _current_context.reset(token)
