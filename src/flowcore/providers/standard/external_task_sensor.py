"""`ExternalTaskSensor`: waits for runs, tasks or groups of another Dag."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import anyio.to_thread

from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.errors import DagError
from flowcore.providers.standard.external_errors import (
    AirflowExternalTaskSensorException,
    ExternalDagDeletedError,
    ExternalDagFailedError,
    ExternalDagNotFoundError,
    ExternalTaskFailedError,
    ExternalTaskGroupFailedError,
    ExternalTaskGroupNotFoundError,
    ExternalTaskNotFoundError,
)
from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import TaskSkipped
from flowcore.sdk.external_tasks import Sight, Watched, alook, aoutline, look, outline
from flowcore.sdk.sensors import BaseSensorOperator

#: What `execution_date_fn` returns: the logical dates of the runs that are waited for.
Dates = datetime | Collection[datetime]


class ExternalTaskSensor(BaseSensorOperator):
    """Waits until runs of another Dag, or tasks or a group in them, have ended as they should.

    It waits for the runs with the logical date of its own run, or with that of `run_after` in a run without
    one. A mapped task counts when all its instances do.

    Args:
        task_id: See `BaseOperator`.
        external_dag_id: The other Dag.
        external_task_id: A task of it; without this and the next two the whole run is waited for.
        external_task_ids: Several tasks of it.
        external_task_group_id: A group of it, with all tasks inside.
        allowed_states: States that are waited for; by default success.
        skipped_states: States that skip the sensor, if one of the tasks or runs gets into them.
        failed_states: States that fail it in the same way, or skip it with `soft_fail`.
        execution_delta: How long before the own logical date the others are dated.
        execution_date_fn: Returns the date, or several, when it is called with the own one, and with keys of
            the context that its other parameters are called like.
        check_existence: Fail at the first look when there is no such Dag, task or group.
        poll_interval: Airflow's older name of `poke_interval`.
        arguments: See `BaseSensorOperator`.

    Raises:
        DagError: the arguments contradict each other, or a state is none.
    """

    template_fields = ("external_dag_id", "external_task_id", "external_task_ids", "external_task_group_id")

    def __init__(
        self,
        task_id: str,
        *,
        external_dag_id: str,
        external_task_id: str | None = None,
        external_task_ids: Collection[str] | None = None,
        external_task_group_id: str | None = None,
        allowed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        execution_delta: timedelta | None = None,
        execution_date_fn: Callable[..., Dates] | None = None,
        check_existence: bool = False,
        poll_interval: timedelta | float | None = None,
        **arguments: Any,
    ) -> None:
        if poll_interval is not None:
            arguments.setdefault("poke_interval", poll_interval)
        super().__init__(task_id, **arguments)
        self.external_dag_id, self.external_task_id = external_dag_id, external_task_id
        self.external_task_ids, self.external_task_group_id = (
            external_task_ids or None,
            external_task_group_id,
        )
        self.execution_delta, self.execution_date_fn = execution_delta, execution_date_fn
        self.check_existence = check_existence
        self.allowed_states = [str(state) for state in allowed_states or ["success"]]
        self.skipped_states = [str(state) for state in skipped_states or ()]
        self.failed_states = [str(state) for state in failed_states or ()]
        self._check()

    def poke(self, context: Context) -> bool:
        if self.check_existence:
            self._require(outline(self.external_dag_id))
        return self._concluded(look(self._watched(self._dates(context))))

    async def apoke(self, context: Context) -> bool:
        if self.check_existence:
            self._require(await aoutline(self.external_dag_id))
        # The author's function may wait.
        dates = await anyio.to_thread.run_sync(self._dates, context) if self.execution_date_fn else None
        return self._concluded(await alook(self._watched(dates or self._dates(context))))

    @property
    def _of_tasks(self) -> bool:
        return any((self.external_task_id, self.external_task_ids, self.external_task_group_id))

    def _check(self) -> None:
        named = (self.external_task_id, self.external_task_ids, self.external_task_group_id)
        if sum(name is not None for name in named) > 1:
            raise self._bad("more than one of external_task_id, external_task_ids, external_task_group_id")
        if self.execution_delta is not None and self.execution_date_fn is not None:
            raise self._bad("execution_delta and execution_date_fn")
        states = [*self.allowed_states, *self.skipped_states, *self.failed_states]
        if len(set(states)) < len(states):
            raise self._bad("a state more than once in allowed_states, skipped_states and failed_states")
        known = [*TaskInstanceState, "none"] if self._of_tasks else [*DagRunState]
        if unknown := sorted(set(states) - set(known)):
            raise DagError(
                f"task {self.task_id!r} waits for the states {', '.join(unknown)}, which"
                f" {'tasks' if self._of_tasks else 'runs'} do not have; use {', '.join(known)}"
            )

    def _bad(self, given: str) -> DagError:
        return DagError(f"task {self.task_id!r} is given {given}; give one of them")

    def _dates(self, context: Context) -> tuple[datetime, ...]:
        run = context["dag_run"]
        own = run.logical_date or run.run_after
        if self.execution_date_fn is not None:
            dates = self.execution_date_fn(own, **_wanted(self.execution_date_fn, context))
            return (dates,) if isinstance(dates, datetime) else tuple(dates)
        return (own - (self.execution_delta or timedelta()),)

    def _watched(self, dates: tuple[datetime, ...]) -> Watched:
        return Watched(
            dag_id=self.external_dag_id,
            logical_dates=tuple(dict.fromkeys(dates)),
            task_ids=self._task_ids(),
            group_id=self.external_task_group_id,
            allowed=frozenset(self.allowed_states),
            skipped=frozenset(self.skipped_states),
            failed=frozenset(self.failed_states),
        )

    def _task_ids(self) -> tuple[str, ...] | None:
        if self.external_task_id is not None:
            return (self.external_task_id,)
        return None if self.external_task_ids is None else tuple(dict.fromkeys(self.external_task_ids))

    def _concluded(self, sight: Sight) -> bool:
        """Whether the wait is over; raises what becomes of the task if that is to fail or be skipped."""
        if sight.failed:
            error = self._failure()
            raise TaskSkipped(str(error)) if self.soft_fail else error
        if sight.skipped:
            raise TaskSkipped(f"{self._what} got into one of {', '.join(self.skipped_states)}")
        return sight.done

    @property
    def _what(self) -> str:
        if self.external_task_group_id is not None:
            return f"a task of group {self.external_task_group_id!r} of Dag {self.external_dag_id!r}"
        task_ids = self._task_ids()
        if task_ids is not None:
            return f"one of the tasks {', '.join(task_ids)} of Dag {self.external_dag_id!r}"
        return f"a run of Dag {self.external_dag_id!r}"

    def _failure(self) -> AirflowExternalTaskSensorException:
        message = f"{self._what} got into one of {', '.join(self.failed_states)}; see why"
        if self.external_task_group_id is not None:
            return ExternalTaskGroupFailedError(message)
        return ExternalTaskFailedError(message) if self._of_tasks else ExternalDagFailedError(message)

    def _require(self, dag: DagOutline | None) -> None:
        if dag is None:
            raise ExternalDagNotFoundError(f"there is no Dag {self.external_dag_id!r}; see the id")
        if not dag.is_active:
            raise ExternalDagDeletedError(f"no file makes Dag {dag.dag_id!r} any more; put it back")
        if absent := [task_id for task_id in self._task_ids() or () if task_id not in dag.task_ids]:
            raise ExternalTaskNotFoundError(f"Dag {dag.dag_id!r} has no task {', '.join(absent)}")
        group_id = self.external_task_group_id
        if group_id is not None and dag.tasks_in(group_id) is None:
            raise ExternalTaskGroupNotFoundError(f"Dag {dag.dag_id!r} has no task group {group_id!r}")


def _wanted(function: Callable[..., Dates], context: Context) -> dict[str, Any]:
    """What of the context the parameters after the first one are called like."""
    known: dict[str, Any] = {**dict(context), "context": context}
    _, *others = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in others):
        return {name: value for name, value in known.items() if name != "logical_date"}
    return {parameter.name: known[parameter.name] for parameter in others if parameter.name in known}
