"""`ResumableJobMixin`: operators whose retries find the job again that an earlier try has started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flowcore.sdk.context import Context
    from flowcore.sdk.state_stores import TaskStateStore


class ResumesJob(ABC):
    """For operators that start one long job in another system, and poll until it ends.

    The operator inherits from this before `BaseOperator`, implements what is abstract here, and calls
    `execute_resumable(context)` in `execute`. The job's id is in the task's state store before the polling
    begins. A retry polls a job that is still active, takes the result of one that has succeeded, and starts
    another one after a failure. A try that is killed between the start of a job and the writing of its id
    leaves a job that nobody finds again.

    Args:
        durable: Whether the id is kept; without it each try starts a job of its own.
    """

    #: The key of the job's id. Runs under way look for the name that they have used.
    external_id_key = "remote_job_id"

    def __init__(self, *, durable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.durable = durable

    def execute_resumable(self, context: Context) -> Any:
        """Start the job or find it again, wait for its end, and return its result."""
        states = context["task_state_store"]
        job = states.get(self.external_id_key) if self.durable else None
        status = None if job is None else self.get_job_status(job, context)
        if status is not None and self.is_job_succeeded(status):
            return self.get_job_result(job, context)
        if status is None or not self.is_job_active(status):
            job = self._started(states, context)
        self.poll_until_complete(job, context)
        return self.get_job_result(job, context)

    def _started(self, states: TaskStateStore, context: Context) -> Any:
        job = self.submit_job(context)
        if self.durable and job is not None:
            states.set(self.external_id_key, job)
        return job

    @abstractmethod
    def submit_job(self, context: Context) -> Any:
        """Start the job; its id, a JSON value. One that is None is not kept."""

    @abstractmethod
    def get_job_status(self, external_id: Any, context: Context) -> str:
        """What the other system calls the state that the job is in."""

    @abstractmethod
    def is_job_active(self, status: str) -> bool:
        """Whether it has not ended."""

    @abstractmethod
    def is_job_succeeded(self, status: str) -> bool:
        """Whether it has ended well."""

    @abstractmethod
    def poll_until_complete(self, external_id: Any, context: Context) -> Any:
        """Wait until it ends; raise if that is not well."""

    @abstractmethod
    def get_job_result(self, external_id: Any, context: Context) -> Any:
        """What it has computed; None if nothing."""


#: Airflow's name.
ResumableJobMixin = ResumesJob
