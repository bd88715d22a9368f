"""Operators that skip tasks after them, and what of the rest of the run one of them may skip.

The class says so before anything runs: whoever may be skipped waits for that decision, whatever its trigger
rule. So a fast rule never races with a branch.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from flowcore.domain.skips import SkipReach
from flowcore.domain.workloads import TryEffects
from flowcore.errors import DagError
from flowcore.sdk.exceptions import DownstreamTasksSkipped
from flowcore.sdk.xcom_args import RETURN_VALUE

if TYPE_CHECKING:
    from flowcore.sdk.context import Context
    from flowcore.sdk.operators import BaseOperator


class SkipsDownstream:
    """Base, besides `BaseOperator`, of operators that may skip any task after them."""

    @property
    def skip_reach(self) -> SkipReach:
        """How far it may skip."""
        return SkipReach.ALL

    def skip(self, ti: Any, tasks: Iterable[Any]) -> None:
        """End the try as a success that skips `tasks`; returns if there are none."""
        del ti  # which Airflow's authors hand over
        if skipped := tuple(tasks):
            raise DownstreamTasksSkipped(tasks=skipped)

    def end_with(self, context: Context, result: Any, *, skipped: Iterable[Any]) -> Any:
        """Skip tasks, or return the result if there are none to skip; it is pushed either way."""
        task, ti = context["task"], context["ti"]
        named = tuple(skipped)
        if named and task.do_xcom_push and result is not None:
            ti.xcom_push(RETURN_VALUE, result)
        self.skip(ti, named)
        return result


# What Airflow calls it.
SkipMixin = SkipsDownstream


def skip_reach_of(task: BaseOperator) -> SkipReach:
    """How far a task may skip."""
    # A mapped one has the reach of its class.
    reach: SkipReach = getattr(task, "skip_reach", SkipReach.NOTHING)
    return reach


def skippable(task: BaseOperator) -> list[BaseOperator]:
    """The tasks that a task may skip, in Dag order."""
    match skip_reach_of(task):
        case SkipReach.NOTHING:
            return []
        case SkipReach.DIRECT:
            after = task.downstream_list
        case SkipReach.ALL:
            after = task.get_flat_relatives()
    return [other for other in after if not other.is_teardown]


def effects_of_skip(task: BaseOperator, skip: DownstreamTasksSkipped) -> TryEffects:
    """What it means for the run that a task raised `skip`.

    Raises:
        DagError: The task may not skip what it names.
    """
    named = {_id_of(other) for other in skip.tasks}
    allowed = [other.task_id for other in skippable(task)]
    teardowns = {other.task_id for other in task.required_dag.tasks if other.is_teardown}
    if wrong := named - teardowns - set(allowed):
        _refuse(task, sorted(wrong), allowed)
    return TryEffects(tuple(task_id for task_id in allowed if task_id in named))


def _refuse(task: BaseOperator, wrong: list[str], allowed: list[str]) -> NoReturn:
    if skip_reach_of(task) is SkipReach.NOTHING:
        raise DagError(
            f"task {task.task_id!r} wants to skip tasks, and its class does not say that it may; use"
            " @task.branch, @task.short_circuit, or a class that derives from SkipMixin"
        )
    raise DagError(
        f"task {task.task_id!r} cannot skip {', '.join(wrong)}; it may skip {', '.join(allowed) or 'nothing'}"
    )


def _id_of(task: Any) -> str:
    if isinstance(task, str):
        return task
    return str(task[0]) if isinstance(task, tuple) else str(task.task_id)
