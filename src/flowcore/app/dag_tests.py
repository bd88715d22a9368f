"""Run a Dag to its end in this process, blocking: what `dag.test()` does."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import anyio
from anyio.lowlevel import current_token

from flowcore.app.opening import open
from flowcore.app.options import Options
from flowcore.app.runs import Run
from flowcore.backends import Backend
from flowcore.database.queries.run_views import TaskInstanceView
from flowcore.errors import UsageError
from flowcore.sdk.dags import DAG
from flowcore.sdk.ended_runs import EndedRun, EndedTask

MEMORY = "sqlite://"


def run_to_end(
    dag: DAG, conf: Mapping[str, Any] | None, logical_date: datetime | None, backend: Backend
) -> EndedRun:
    """Trigger the Dag on a database in memory and wait; `DAG.test` says more.

    Raises:
        UsageError: an event loop is running here, which this would block.
        DagError: the Dag cannot be used as written.
        ParamError: `conf` breaks the Dag's params.
    """
    if _is_on_loop():
        raise UsageError(
            f"dag.test() of {dag.dag_id!r} was called in a coroutine and would block its event loop; use"
            " `async with flowcore.open(...)` there"
        )
    return anyio.run(partial(arun_to_end, dag, conf, logical_date), backend=backend)


async def arun_to_end(
    dag: DAG, conf: Mapping[str, Any] | None = None, logical_date: datetime | None = None
) -> EndedRun:
    """The same as `run_to_end` for coroutines."""
    dags, options = [_without_delays(dag)], Options(creates_dag_runs=False)
    async with open(MEMORY, dags=dags, options=options) as flowcore:
        run = await flowcore.trigger(dag.dag_id, conf=conf, logical_date=logical_date)
        state = await run.wait()
        await run.wait_callbacks()
        views = await run.task_instances()
        return EndedRun(state, {_name(view): await _ended(run, view) for view in views})


async def _ended(run: Run, view: TaskInstanceView) -> EndedTask:
    returned = await run.xcom(view.task_id, map_index=view.map_index)
    return EndedTask(view.state, returned, view.error)


def _name(view: TaskInstanceView) -> str:
    return view.task_id if view.map_index < 0 else f"{view.task_id}[{view.map_index}]"


def _without_delays(dag: DAG) -> DAG:
    """A copy whose retries follow at once, and which is not paused: a test waits for neither."""
    copied = copy.copy(dag)
    copied.is_paused_upon_creation = False
    copied.task_dict = {task_id: copy.copy(task) for task_id, task in dag.task_dict.items()}
    for task in copied.task_dict.values():
        task.retry_delay = timedelta()
    return copied


def _is_on_loop() -> bool:
    try:
        current_token()
    except RuntimeError:
        return False
    return True
