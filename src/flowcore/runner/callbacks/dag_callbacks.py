"""The callbacks of a Dag for one occasion: who is called, and with which context.

The context is that of the run, and of the task instance that tells most about how the run ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import attrs

from flowcore.domain.dag_callbacks import DagCallback, Occasion
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.storable_texts import storable
from flowcore.domain.try_settings import TrySettings
from flowcore.runner.author_times import author_time
from flowcore.runner.contexts import CONN, VAR, dag_run_of, dates_of
from flowcore.runner.error_texts import cut
from flowcore.runner.preparation import unprepared
from flowcore.sdk.comms.questions import Comms
from flowcore.sdk.configuration import conf
from flowcore.sdk.context import Context
from flowcore.sdk.dags import DAG
from flowcore.sdk.lazy_context import LazyContext
from flowcore.sdk.notifiers import Callback
from flowcore.sdk.templates import macros
from flowcore.secrets.masking import PROCESS


def callbacks_of(dag: DAG, occasion: Occasion) -> Sequence[Callback]:
    """Who is to hear of it."""
    match occasion:
        case Occasion.SUCCESS:
            return dag.on_success_callback
        case Occasion.FAILURE:
            return dag.on_failure_callback


def context_of_dag(dag: DAG, callback: DagCallback, *, comms: Comms, settings: TrySettings) -> Context:
    """What they are called with; see `flowcore.sdk.Context`."""
    context = _context_of_last(dag, callback, comms, settings) or _context_of_run(dag, callback)
    run = dag_run_of(callback.run, callback.run_state)
    context["dag_run"] = attrs.evolve(run, end_date=author_time(callback.happened_at))
    context["reason"] = callback.reason
    return cast("Context", context)


def problems_text(problems: Sequence[str]) -> str | None:
    """What went wrong as one text that may be shown and stored; None: nothing."""
    return storable(cut(PROCESS.mask("; ".join(problems)))) if problems else None


def _context_of_last(
    dag: DAG, callback: DagCallback, comms: Comms, settings: TrySettings
) -> dict[str, Any] | None:
    last = callback.last
    if last is None or last.task_id not in dag.task_dict:
        return None
    found = unprepared(dag.task_dict[last.task_id], callback.workload, comms=comms, settings=settings)
    if found is None:
        return None
    found.ti.state = last.state or TaskInstanceState.REMOVED
    found.ti.end_date = last.end_date
    return cast("dict[str, Any]", found.context)


def _context_of_run(dag: DAG, callback: DagCallback) -> dict[str, Any]:
    run = callback.run
    context = LazyContext(
        conf=conf,
        conn=CONN,
        dag=dag,
        macros=macros,
        params=dict(run.params),
        run_id=run.run_id,
        test_mode=False,
        var=VAR,
    )
    if run.logical_date is not None:
        context.update(dates_of(run, run.logical_date))
    return context
