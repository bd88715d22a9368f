"""From the author's Dag to the scheduler's: numbers the tasks, and leaves their code behind."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from flowcore.domain.asset_documents import dump_asset
from flowcore.domain.dags import Dag, Group, Task
from flowcore.domain.priority_weights import WeightRule, effective_weights
from flowcore.domain.retries import RetryRule
from flowcore.domain.workloads import RunsIn
from flowcore.sdk.dag_checks import check_dag
from flowcore.sdk.skipping import skip_reach_of
from flowcore.sdk.weight_strategies import planned_weight

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.mapping.expansions import Expansion
    from flowcore.sdk.operators import BaseOperator
    from flowcore.sdk.task_groups import TaskGroup

#: The arguments that are documentation.
_DOCS = ("doc", "doc_md", "doc_json", "doc_yaml", "doc_rst")


def compile_dag(dag: DAG) -> Dag:
    """The Dag as the scheduler sees it; `DAG.compile` says more."""
    check_dag(dag)
    # Each once, by identity: tasks of a group that is mapped share one.
    mappings = list(dict.fromkeys(task.mapping for task in dag.tasks if task.mapping is not None))
    position_of = {task.task_id: position for position, task in enumerate(dag.tasks)}
    return Dag(
        dag_id=dag.dag_id,
        tasks=_tasks(dag, position_of, {mapping: number for number, mapping in enumerate(mappings)}),
        mappings=tuple(mapping.length(lambda task: position_of[task.task_id]) for mapping in mappings),
        timetable=dag.timetable.serialize(),
        start_date=_utc(dag.start_date),
        end_date=_utc(dag.end_date),
        catchup=dag.catchup,
        fail_fast=dag.fail_fast,
        has_success_callbacks=bool(dag.on_success_callback),
        has_failure_callbacks=bool(dag.on_failure_callback),
        max_active_runs=_max_active_runs(dag),
        max_active_tasks=dag.max_active_tasks,
        max_consecutive_failed_dag_runs=dag.max_consecutive_failed_dag_runs,
        allowed_run_types=dag.allowed_run_types,
        dagrun_timeout_s=_seconds(dag.dagrun_timeout),
        params={name: param.document() for name, param in dag.params.items()},
        is_paused_upon_creation=dag.is_paused_upon_creation,
        description=dag.description,
        doc_md=_doc_md(dag),
        tags=dag.tags,
        owner=", ".join(sorted({task.owner for task in dag.tasks})),
        owner_links=dict(dag.owner_links),
        groups=tuple(_group(group) for group in dag.task_group.groups()),
        edge_labels=_edge_labels(dag),
        fileloc=dag.fileloc,
        display_name=dag.dag_display_name,
    )


def _tasks(dag: DAG, position_of: Mapping[str, int], mappings: Mapping[Expansion, int]) -> tuple[Task, ...]:
    upstream = [_positions(task.upstream_task_ids, position_of) for task in dag.tasks]
    downstream = [_positions(task.downstream_task_ids, position_of) for task in dag.tasks]
    weights = effective_weights(
        [task.priority_weight for task in dag.tasks],
        [
            rule if isinstance(rule := task.weight_rule, WeightRule) else WeightRule.ABSOLUTE
            for task in dag.tasks
        ],
        upstream=upstream,
        downstream=downstream,
    )
    return tuple(
        _task(
            task,
            position,
            upstream=upstream[position],
            downstream=downstream[position],
            weight=planned_weight(task, weight),
            mapping=None if task.mapping is None else mappings[task.mapping],
        )
        for position, (task, weight) in enumerate(zip(dag.tasks, weights, strict=True))
    )


def _positions(task_ids: set[str], position_of: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(sorted(position_of[task_id] for task_id in task_ids))


def _task(
    task: BaseOperator,
    position: int,
    *,
    upstream: tuple[int, ...],
    downstream: tuple[int, ...],
    weight: int,
    mapping: int | None,
) -> Task:
    return Task(
        task_id=task.task_id,
        position=position,
        upstream=upstream,
        downstream=downstream,
        trigger_rule=task.trigger_rule,
        may_skip=skip_reach_of(task),
        mapping=mapping,
        depends_on_past=task.depends_on_past or task.wait_for_downstream,
        wait_for_downstream=task.wait_for_downstream,
        ignore_first_depends_on_past=task.ignore_first_depends_on_past,
        wait_for_past_depends_before_skipping=task.wait_for_past_depends_before_skipping,
        is_setup=task.is_setup,
        is_teardown=task.is_teardown,
        on_failure_fail_dagrun=task.on_failure_fail_dagrun,
        priority_weight=weight,
        pool=task.pool,
        pool_slots=task.pool_slots,
        queue=task.queue,
        executor=task.executor,
        runs_in=task.runs_in or (RunsIn.WORKER if task.is_async else RunsIn.PROCESS),
        backend=task.backend if task.is_async else None,
        retries=task.retries,
        retry_rule=_retry_rule(task),
        execution_timeout_s=_seconds(task.execution_timeout),
        has_failure_callbacks=bool(task.on_failure_callback or task.on_retry_callback),
        max_active_tis_per_dag=task.max_active_tis_per_dag,
        max_active_tis_per_dagrun=task.max_active_tis_per_dagrun,
        is_async=task.is_async,
        operator=task.kind,
        owner=task.owner,
        group_id=task.task_group.group_id if task.task_group else "",
        display_name=task.task_display_name,
        docs={name: text for name in _DOCS if (text := getattr(task, name)) is not None},
        inlets=tuple(map(dump_asset, task.inlets)),
        outlets=tuple(map(dump_asset, task.outlets)),
        mark=task.external_mark,
    )


def _retry_rule(task: BaseOperator) -> RetryRule:
    return RetryRule(
        delay_s=task.retry_delay.total_seconds(),
        multiplier=task.retry_exponential_backoff,
        max_delay_s=_seconds(task.max_retry_delay),
    )


def _group(group: TaskGroup) -> Group:
    assert group.parent_group is not None  # only the root has none, and it is not among them
    return Group(
        group_id=group.group_id,
        parent_id=group.parent_group.group_id,
        display_name=group.group_display_name,
        tooltip=group.tooltip,
        ui_color=group.ui_color,
        ui_fgcolor=group.ui_fgcolor,
    )


def _edge_labels(dag: DAG) -> dict[str, dict[str, str]]:
    labels: dict[str, dict[str, str]] = {}
    for (upstream, downstream), label in dag.edge_labels.items():
        labels.setdefault(upstream, {})[downstream] = label
    return labels


def _doc_md(dag: DAG) -> str | None:
    """The text, also where a file beside the Dag file holds it."""
    if dag.doc_md is None or not dag.doc_md.endswith(".md"):
        return dag.doc_md
    path = os.path.join(os.path.dirname(dag.fileloc or ""), dag.doc_md)
    if not os.path.isfile(path):
        return dag.doc_md
    with open(path, encoding="utf-8") as file:
        return file.read()


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
