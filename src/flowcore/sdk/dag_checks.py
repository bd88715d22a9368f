"""What is refused of an author's Dag once all its tasks are there."""

from __future__ import annotations

import graphlib
from typing import TYPE_CHECKING

from flowcore.domain.task_mapping import INSTANCES_MAX, elements
from flowcore.domain.trigger_rules import TriggerRule
from flowcore.domain.workloads import RunsIn
from flowcore.errors import DagCycle, DagError
from flowcore.sdk.assets.checks import check_assets
from flowcore.sdk.mapping.expansions import MappedArgument
from flowcore.sdk.templates.fields import check_fields

if TYPE_CHECKING:
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator


def check_dag(dag: DAG) -> None:
    """Check what concerns the Dag as a whole, then each task.

    Raises:
        DagError: Something does not fit together.
        DagCycle: Tasks wait for each other in a circle.
    """
    _check_dates_and_params(dag)
    _check_cycles(dag)
    check_assets(dag)
    for task in dag.tasks:
        _check_work(dag, task)
        _check_setup(dag, task)
        _check_fail_fast(dag, task)
        _check_mapping(dag, task)
        _check_templates(task)


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


def _check_setup(dag: DAG, task: BaseOperator) -> None:
    if task.is_setup and task.is_teardown:
        raise DagError(f"task {task.task_id!r} of Dag {dag.dag_id!r} is a setup and a teardown; make it one")
    for after in (dag.task_dict[task_id] for task_id in sorted(task.downstream_task_ids)):
        # Otherwise it would run when the setup failed, but not when that was further up.
        if task.is_setup and not after.is_teardown and after.trigger_rule is not TriggerRule.ALL_SUCCESS:
            raise DagError(
                f"task {after.task_id!r} of Dag {dag.dag_id!r} follows setup {task.task_id!r} and has"
                f" trigger_rule={after.trigger_rule.value!r}; what comes right after a setup needs"
                f" {TriggerRule.ALL_SUCCESS.value!r}"
            )


def _check_fail_fast(dag: DAG, task: BaseOperator) -> None:
    if dag.fail_fast and not task.is_teardown and task.trigger_rule is not TriggerRule.ALL_SUCCESS:
        raise DagError(
            f"Dag {dag.dag_id!r} is fail_fast, and its task {task.task_id!r} has"
            f" trigger_rule={task.trigger_rule.value!r}; where the first failure ends the run every rule has"
            f" to be {TriggerRule.ALL_SUCCESS.value!r}"
        )


def _check_mapping(dag: DAG, task: BaseOperator) -> None:
    group = task.task_group
    if task.expansion is not None and group is not None and group.mapping is not None:
        raise DagError(
            f"task {task.task_id!r} of Dag {dag.dag_id!r} is mapped, and so is a group around it; map only"
            " one of them, or loop inside the task"
        )
    if task.mapping is not None and not task.mapping.sources:
        length = elements(task.mapping.length(lambda _: 0), lambda _: 0)
        if length > INSTANCES_MAX:
            raise DagError(
                f"task {task.task_id!r} of Dag {dag.dag_id!r} is mapped over {length:,} elements, and"
                f" {INSTANCES_MAX:,} instances are the most that there can be; map it over lists of elements"
            )
    foreign = (
        reference.name
        for reference in (*task.references, *(task.expansion.references if task.expansion else ()))
        if isinstance(reference, MappedArgument) and reference.expansion is not task.mapping
    )
    if name := next(foreign, None):
        raise DagError(
            f"task {task.task_id!r} of Dag {dag.dag_id!r} is outside of the mapped group whose argument"
            f" {name!r} it was given; use it inside of the group only"
        )


def _check_templates(task: BaseOperator) -> None:
    check_fields(task)
    if task.templated_fields:
        # Imported here because most Dags have no template, and need no Jinja to be read.
        from flowcore.sdk.templates.rendering import check_templates

        check_templates(task)
