"""`ti`: the try as the task itself sees it."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import Workload
from flowcore.errors import UsageError
from flowcore.runner.run_questions import AsksAboutRuns
from flowcore.runner.xcoms.pulls import ALL, Pull, pulled
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk.comms.questions import Comms, Question, awaiting_method, blocking_method
from flowcore.sdk.configuration import conf
from flowcore.sdk.context import Context
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.xcom_args import RETURN_VALUE


class RunningTaskInstance(AsksAboutRuns):
    """Implements `flowcore.sdk.TaskInstance`. Used on any thread.

    `task` is the copy that the try works on.
    """

    def __init__(
        self,
        workload: Workload,
        task: BaseOperator,
        *,
        comms: Comms,
        xcoms: TryXComs,
        start_date: datetime,
    ) -> None:
        super().__init__(workload, task, comms)
        self.xcoms, self.start_date = xcoms, start_date
        self.context: Context | None = None
        self.state = TaskInstanceState.RUNNING
        self.end_date: datetime | None = None

    @property
    def dag_id(self) -> str:
        return self.workload.run.dag_id

    @property
    def run_id(self) -> str:
        return self.workload.run.run_id

    @property
    def task_id(self) -> str:
        return self.workload.task_id

    @property
    def map_index(self) -> int:
        return self.workload.map_index

    @property
    def try_number(self) -> int:
        return self.workload.try_number

    @property
    def max_tries(self) -> int:
        return self.workload.max_tries

    @property
    def id(self) -> int:
        return self.workload.task_instance_id

    @property
    def is_mapped(self) -> bool:
        return self.map_index >= 0

    @property
    def duration(self) -> float | None:
        return None if self.end_date is None else (self.end_date - self.start_date).total_seconds()

    @property
    def hostname(self) -> str:
        return socket.gethostname()

    @property
    def operator(self) -> str:
        return self.task.kind

    @property
    def pool(self) -> str:
        return self.workload.pool

    @property
    def pool_slots(self) -> int:
        return self.workload.pool_slots

    @property
    def priority_weight(self) -> int:
        return self.workload.priority_weight

    @property
    def queue(self) -> str:
        return self.workload.queue

    @property
    def log_url(self) -> str:
        base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
        index = f"/mapped/{self.map_index}" if self.is_mapped else ""
        task = f"dags/{self.dag_id}/runs/{quote(self.run_id)}/tasks/{self.task_id}"
        return f"{base}/{task}{index}?try_number={self.try_number}"

    @property
    def mark_success_url(self) -> str:
        return self.log_url

    def get_first_reschedule_date(self, context: Context) -> datetime | None:
        return self.workload.waiting_since

    def get_template_context(self) -> Context:
        if self.context is None:
            raise UsageError("the context is being made; ask for it inside the task")
        return self.context

    def __repr__(self) -> str:
        return f"<TaskInstance {self.workload}>"

    def expanded(self) -> Question[int]:
        """Count the instances of the task in this run, without those that were removed."""
        states = [state for state in (None, *TaskInstanceState) if state is not TaskInstanceState.REMOVED]
        return self._get_ti_count(self.dag_id, task_ids=[self.task_id], run_ids=[self.run_id], states=states)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms.push(key, value)

    def _xcom_push(self, key: str, value: Any) -> Question[None]:
        return self.xcoms.push_waiting(key, value)

    def _xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_VALUE,
        include_prior_dates: bool = False,
        *,
        map_indexes: int | Iterable[int] | None = ALL,
        default: Any = None,
        run_id: str | None = None,
    ) -> Question[Any]:
        pull = Pull(
            task_ids=task_ids,
            dag_id=dag_id,
            key=key,
            include_prior_dates=include_prior_dates,
            map_indexes=map_indexes,
            default=default,
            run_id=run_id,
        )
        return pulled(pull, self.workload, self.xcoms, is_mapped_with=self._is_mapped_with)

    def _is_mapped_with(self, task_id: str) -> bool:
        other = None if self.task.dag is None else self.task.dag.task_dict.get(task_id)
        return other is not None and other.mapping is not None and other.mapping is self.task.mapping

    expanded_count = blocking_method(expanded, face="ti.get_ti_count")
    axcom_push = awaiting_method(_xcom_push)
    xcom_pull = blocking_method(_xcom_pull, face="ti.xcom_pull")
    axcom_pull = awaiting_method(_xcom_pull)
