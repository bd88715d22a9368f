"""`TaskInstance`: `ti` in the context, the try that is under way as the task itself sees it.

What waits has a twin for coroutines, which begins with an `a` and takes the same arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from flowcore.domain.dag_runs import DagRun, PastTaskInstance
from flowcore.domain.states import TaskInstanceState

if TYPE_CHECKING:
    from flowcore.sdk.context import Context
    from flowcore.sdk.operators import BaseOperator


class TaskInstance(Protocol):
    """The names and meanings are Airflow's. Times are aware and in UTC; so must be those that are given."""

    @property
    def dag_id(self) -> str: ...

    @property
    def run_id(self) -> str: ...

    @property
    def task_id(self) -> str: ...

    @property
    def map_index(self) -> int:
        """Which of a mapped task's instances this is; -1 when the task is not mapped."""
        ...

    @property
    def try_number(self) -> int:
        """Counts from 1."""
        ...

    @property
    def max_tries(self) -> int:
        """How many retries the task instance has in all."""
        ...

    @property
    def start_date(self) -> datetime:
        """When its process took up the try."""
        ...

    @property
    def id(self) -> int:
        """The number of the task instance in the database; the same for all its tries."""
        ...

    @property
    def is_mapped(self) -> bool: ...

    @property
    def state(self) -> TaskInstanceState:
        """It is running."""
        ...

    @property
    def end_date(self) -> datetime | None:
        """None: it has not ended."""
        ...

    @property
    def duration(self) -> float | None:
        """Seconds; None: it has not ended."""
        ...

    @property
    def hostname(self) -> str:
        """The machine that it runs on."""
        ...

    @property
    def operator(self) -> str:
        """The kind of task, such as `BashOperator` or `@task`."""
        ...

    @property
    def pool(self) -> str: ...

    @property
    def pool_slots(self) -> int: ...

    @property
    def priority_weight(self) -> int: ...

    @property
    def queue(self) -> str: ...

    @property
    def log_url(self) -> str:
        """Where Airflow would show the log, below the option `base_url` of section `api` (`conf`)."""
        ...

    @property
    def mark_success_url(self) -> str:
        """The same page, as in Airflow."""
        ...

    @property
    def task(self) -> BaseOperator:
        """The task, with the values of this try in its attributes."""
        ...

    def get_first_reschedule_date(self, context: Context) -> datetime | None:
        """Since when it waits, if it was put off before; neither retries nor further looks reset that."""
        ...

    def get_template_context(self) -> Context:
        """The context of the try."""
        ...

    def xcom_push(self, key: str, value: Any) -> None:
        """Push a value under `key`; it becomes visible to others when the try has ended.

        Raises:
            XComNotJson: The value is not JSON.
            XComTooLarge: It is more than the operator allows.
        """
        ...

    async def axcom_push(self, key: str, value: Any) -> None: ...

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = "return_value",
        include_prior_dates: bool = False,
        *,
        map_indexes: int | Iterable[int] | None = ...,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any:
        """What tasks pushed under `key`; in this run, unless `dag_id` or `run_id` says otherwise.

        One id gives a value, several give a list in their order, none gives what this task instance pushed
        itself. A mapped task gives a list of the values of its instances, or of those in `map_indexes`; a
        task of the same mapped group gives the value with the same index.
        With `include_prior_dates` the latest run counts that has a logical date up to this run's and in
        which the task pushed anything. `default` stands for what was not pushed.
        """
        ...

    async def axcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = "return_value",
        include_prior_dates: bool = False,
        *,
        map_indexes: int | Iterable[int] | None = ...,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any: ...

    def get_previous_dagrun(self, state: str | None = None) -> DagRun | None:
        """The run with the logical date before this run's, in that state if one is given.

        None if there is none, and in a run without a logical date.
        """
        ...

    async def aget_previous_dagrun(self, state: str | None = None) -> DagRun | None: ...

    def get_previous_ti(
        self, state: str | None = None, logical_date: datetime | None = None, map_index: int = -1
    ) -> PastTaskInstance | None:
        """The task's own instance in the run before, or before that logical date; in that state if given."""
        ...

    async def aget_previous_ti(
        self, state: str | None = None, logical_date: datetime | None = None, map_index: int = -1
    ) -> PastTaskInstance | None: ...

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run.

        Raises:
            DagRunNotFound: there is no such run.
        """
        ...

    async def aget_dagrun_state(self, dag_id: str, run_id: str) -> str: ...

    def get_dr_count(
        self,
        dag_id: str,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str] | None = None,
    ) -> int:
        """How many runs of a Dag there are; what is None is left open."""
        ...

    async def aget_dr_count(
        self,
        dag_id: str,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str] | None = None,
    ) -> int: ...

    def get_ti_count(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str | None] | None = None,
    ) -> int:
        """How many task instances of a Dag there are; one that waits for its upstream has the state None.

        Raises:
            UsageError: the Dag has no such group.
        """
        ...

    async def aget_ti_count(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
        states: Iterable[str | None] | None = None,
    ) -> int: ...

    def get_task_states(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
    ) -> Mapping[str, Mapping[str, str | None]]:
        """The states of task instances by run and task; of a mapped task the names are `task_0`, `task_1`."""
        ...

    async def aget_task_states(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: Iterable[str] | None = None,
        task_group_id: str | None = None,
        *,
        logical_dates: Iterable[datetime] | None = None,
        run_ids: Iterable[str] | None = None,
    ) -> Mapping[str, Mapping[str, str | None]]: ...
