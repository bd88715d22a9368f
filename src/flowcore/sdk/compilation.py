"""From the author's Dag to the scheduler's: checks what concerns several tasks, and numbers them."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flowcore.domain.dags import Dag, Task
from flowcore.domain.priority_weights import effective_weights
from flowcore.domain.retries import RetryRule
from flowcore.domain.workloads import RunsIn
from flowcore.errors import DagCycle, DagError
from flowcore.sdk.templates.fields import check_fields

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator


def compile_dag(dag: DAG) -> Dag:
    """The Dag as the scheduler sees it; `DAG.compile` says more."""
    _check_dates_and_params(dag)
    _check_cycles(dag)
    for task in dag.tasks:
        _check_work(dag, task)
        _check_templates(task)
    return Dag(
        dag_id=dag.dag_id,
        tasks=_tasks(dag),
        timetable=dag.timetable.serialize(),
        start_date=_utc(dag.start_date),
        end_date=_utc(dag.end_date),
        catchup=dag.catchup,
        max_active_runs=_max_active_runs(dag),
        max_active_tasks=dag.max_active_tasks,
        dagrun_timeout_s=_seconds(dag.dagrun_timeout),
        params={name: param.document() for name, param in dag.params.items()},
        is_paused_upon_creation=dag.is_paused_upon_creation,
        description=dag.description,
        doc_md=dag.doc_md,
        tags=dag.tags,
        owner=", ".join(sorted({task.owner for task in dag.tasks})),
        fileloc=dag.fileloc,
        display_name=dag.dag_display_name,
    )


def _check_dates_and_params(dag: DAG) -> None:
    if dag.schedule is None:
        return
    if dag.catchup and dag.start_date is None:
        raise DagError(
            f"Dag {dag.dag_id!r} has catchup=True and a schedule, but no start_date to catch up from;"
            " give it one"
        )
    without_default = sorted(name for name, param in dag.params.items() if param.is_required)
    if without_default:
        raise DagError(
            f"Dag {dag.dag_id!r} has a schedule, but its params {', '.join(without_default)} have no default"
            " that a scheduled run could take; give them one"
        )


def _check_cycles(dag: DAG) -> None:
    # Sorted, so that of several cycles always the same is named.
    waits_for = {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks}
    try:
        graphlib.TopologicalSorter(waits_for).prepare()
    except graphlib.CycleError as error:
        # The path is closed: its first task comes again at its end.
        raise DagCycle(dag.dag_id, tuple(error.args[1][:-1])) from None


def _check_work(dag: DAG, task: BaseOperator) -> None:
    if not task.has_work:
        raise DagError(
            f"task {task.task_id!r} of Dag {dag.dag_id!r} has nothing to do: define execute() or"
            f" aexecute() in class {type(task).__name__}"
        )
    if task.runs_in is RunsIn.WORKER and not task.is_async:
        raise DagError(
            f"task {task.task_id!r} of Dag {dag.dag_id!r} is a function with runs_in={RunsIn.WORKER.value!r},"
            " where it would block the event loop of all others; make it a coroutine, or leave runs_in out"
        )


def _check_templates(task: BaseOperator) -> None:
    check_fields(task)
    if task.templated_fields:
        # Imported here because most Dags have no template, and need no Jinja to be read.
        from flowcore.sdk.templates.rendering import check_templates

        check_templates(task)


def _tasks(dag: DAG) -> tuple[Task, ...]:
    position_of = {task.task_id: position for position, task in enumerate(dag.tasks)}
    upstream = [_positions(task.upstream_task_ids, position_of) for task in dag.tasks]
    downstream = [_positions(task.downstream_task_ids, position_of) for task in dag.tasks]
    weights = effective_weights(
        [task.priority_weight for task in dag.tasks],
        [task.weight_rule for task in dag.tasks],
        upstream=upstream,
        downstream=downstream,
    )
    return tuple(
        _task(task, position, upstream=upstream[position], downstream=downstream[position], weight=weight)
        for position, (task, weight) in enumerate(zip(dag.tasks, weights, strict=True))
    )


def _positions(task_ids: set[str], position_of: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted(position_of[task_id] for task_id in task_ids))


def _task(
    task: BaseOperator, position: int, *, upstream: tuple[int, ...], downstream: tuple[int, ...], weight: int
) -> Task:
    return Task(
        task_id=task.task_id,
        position=position,
        upstream=upstream,
        downstream=downstream,
        trigger_rule=task.trigger_rule,
        priority_weight=weight,
        pool=task.pool,
        pool_slots=task.pool_slots,
        queue=task.queue,
        executor=task.executor,
        runs_in=task.runs_in or (RunsIn.WORKER if task.is_async else RunsIn.PROCESS),
        backend=task.backend if task.is_async else None,
        retries=task.retries,
        retry_rule=RetryRule(
            delay_s=task.retry_delay.total_seconds(),
            multiplier=task.retry_exponential_backoff,
            max_delay_s=_seconds(task.max_retry_delay),
        ),
        execution_timeout_s=_seconds(task.execution_timeout),
        max_active_tis_per_dag=task.max_active_tis_per_dag,
        max_active_tis_per_dagrun=task.max_active_tis_per_dagrun,
        is_async=task.is_async,
        operator=task.kind,
        display_name=task.task_display_name,
        doc_md=task.doc_md,
    )


def _max_active_runs(dag: DAG) -> int:
    # A timetable may allow fewer: a continuous one lets runs follow each other.
    limits = [
        limit for limit in (dag.max_active_runs, dag.timetable.active_runs_limit) if limit and limit > 0
    ]
    return min(limits, default=0)


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _utc(moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(UTC)
