"""Occasions on which callbacks of a Dag are called: from the end of a run to how the call went."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import attrs

from flowcore.domain.dags import Dag
from flowcore.domain.states import DagRunState, TaskInstanceState
from flowcore.domain.workloads import RunFacts, Workload


class Occasion(StrEnum):
    """What has happened to a run."""

    SUCCESS = "success"
    FAILURE = "failure"


class CallbackState(StrEnum):
    """How far the calls of one occasion have come."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class LastTask:
    """The task instance that tells most about how a run ended."""

    task_instance_id: int
    task_id: str
    position: int
    map_index: int
    try_number: int
    max_tries: int
    state: TaskInstanceState | None
    start_date: datetime | None
    end_date: datetime | None


@attrs.frozen(kw_only=True)
class DagCallback:
    """Callbacks of a Dag that are to be called now, for one occasion in one run.

    `token` grows with every claim: how an older call went is not wanted any more. `happened_at` is when the
    occasion came, `reason` is a word for why. `last` is absent when the run has no task instance.
    """

    id: int
    token: int
    occasion: Occasion
    reason: str
    happened_at: datetime
    run: RunFacts
    last: LastTask | None = None

    def __str__(self) -> str:
        return f"{self.run.dag_id}/{self.run.run_id} callbacks of {self.occasion}"

    @property
    def run_state(self) -> DagRunState:
        """How the run had ended."""
        return DagRunState.SUCCESS if self.occasion is Occasion.SUCCESS else DagRunState.FAILED

    @property
    def workload(self) -> Workload:
        """What the callbacks see of the run and its last task instance, as a try that nobody claims."""
        last = self.last
        if last is None:
            return Workload(task_instance_id=0, token=0, task_id="", position=-1, run=self.run)
        return Workload(
            task_instance_id=last.task_instance_id,
            token=0,
            task_id=last.task_id,
            position=last.position,
            run=self.run,
            map_index=last.map_index,
            try_number=last.try_number,
            max_tries=last.max_tries,
            start_date=last.start_date,
        )


@attrs.frozen(kw_only=True)
class CallbackEnd:
    """How a call went; `error` says what went wrong. One that was `given_back` is to be called again."""

    callback_id: int
    token: int
    error: str | None = None
    given_back: bool = False


def reason_of(occasion: Occasion, reason: str | None) -> str:
    """Why the run ended so, in Airflow's words, unless a `reason` is known."""
    return reason or ("success" if occasion is Occasion.SUCCESS else "task_failure")


def occasion_of(dag: Dag, state: DagRunState | None) -> Occasion | None:
    """What the end of a run is to callbacks of its Dag; None when these do not want to know."""
    if state is DagRunState.SUCCESS and dag.has_success_callbacks:
        return Occasion.SUCCESS
    if state is DagRunState.FAILED and dag.has_failure_callbacks:
        return Occasion.FAILURE
    return None
