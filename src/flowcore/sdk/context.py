"""What a task can learn about its try: the context, and how to get at it from anywhere in the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from flowcore.domain.workloads import RunFacts
from flowcore.errors import UsageError

if TYPE_CHECKING:
    from flowcore.sdk.accessors import ConnectionAccessor, VariableAccessor
    from flowcore.sdk.dags import DAG
    from flowcore.sdk.operators import BaseOperator


class TaskInstance(Protocol):
    """The try that is under way, as the task itself sees it (`ti` in the context)."""

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

    def xcom_push(self, key: str, value: Any) -> None:
        """Push a JSON value under `key`; it becomes visible to others when the try has ended."""
        ...

    def xcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = "return_value", default: Any = None
    ) -> Any:
        """What tasks of the same run pushed under `key`; waits, so use it in functions only.

        One id gives a value, several give a list in their order, none gives the task's own. `default`
        stands for what was not pushed.
        """
        ...

    async def axcom_pull(
        self, task_ids: str | Sequence[str] | None = None, *, key: str = "return_value", default: Any = None
    ) -> Any:
        """The same as `xcom_pull` for coroutines."""
        ...


class Context(TypedDict, total=False):
    """The context of a try, with Airflow's keys and meanings; times are aware and in UTC.

    The keys from `logical_date` to `ts_nodash_with_tz` are absent when the run has no logical date.
    """

    conn: ConnectionAccessor
    dag: DAG
    dag_run: RunFacts
    macros: ModuleType
    params: Mapping[str, Any]
    run_id: str
    task: BaseOperator
    task_instance: TaskInstance
    templates_dict: Mapping[str, Any] | None
    ti: TaskInstance
    try_number: int
    var: Mapping[str, VariableAccessor]
    logical_date: datetime
    data_interval_start: datetime | None
    data_interval_end: datetime | None
    ds: str
    ds_nodash: str
    ts: str
    ts_nodash: str
    ts_nodash_with_tz: str


CONTEXT_KEYS = frozenset(Context.__annotations__)

_current_context: ContextVar[Context | None] = ContextVar("flowcore_context", default=None)


def get_current_context() -> Context:
    """The context of the try that calls this, directly or through other functions.

    Raises:
        UsageError: No task is running here.
    """
    context = _current_context.get()
    if context is None:
        raise UsageError(
            "get_current_context() was called outside a running task; call it inside the function of a task,"
            " not while the Dag file is read"
        )
    return context


@contextmanager
def current_context(context: Context) -> Iterator[None]:
    """Make `context` the current one inside this block; for the runner only."""
    token = _current_context.set(context)
    try:
        yield
    finally:
        _current_context.reset(token)
