"""Every interface that others implement: flowcore's extension surface on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from anyio.abc import TaskStatus

# How a task is weighed; its class is named by an entry point of the group
# `flowcore.priority_weight_strategies`, or by its path.
from flowcore.domain.priority_weights import PriorityWeightStrategy as PriorityWeightStrategy

# What a timetable of your own takes and returns; its class is named by an entry point of the group
# `flowcore.timetables`, and `Timetable` says which methods it has.
from flowcore.domain.timetables.base import DagRunInfo as DagRunInfo
from flowcore.domain.timetables.base import DataInterval as DataInterval
from flowcore.domain.timetables.base import TimeRestriction as TimeRestriction
from flowcore.domain.timetables.base import Timetable as Timetable
from flowcore.domain.workloads import Report, Slots, Workload
from flowcore.domain.xcoms import XComPlace

__all__ = [
    "DagRunInfo",
    "DataInterval",
    "Executor",
    "PriorityWeightStrategy",
    "ReportSink",
    "SecretsBackend",
    "TimeRestriction",
    "Timetable",
    "WatchedSecretsBackend",
    "XComBackend",
]


class ReportSink(Protocol):
    """Where an executor says what became of its tries."""

    def report(self, report: Report) -> None:
        """Take one report; never waits. Call it on the event loop's thread only."""


class Executor(Protocol):
    """Carries out tries. One instance serves one scheduler.

    The scheduler calls `serve` in a nursery of its own and `submit` right after the commit that
    claimed the try. Each submitted workload is answered by exactly one `TryEnded` (after at most
    one `TryStarted`), also when the executor is cancelled.
    """

    name: str

    def free_slots(self) -> Slots:
        """How many further workloads may be submitted now, by their `runs_in`."""
        ...

    def has_dag(self, dag_id: str) -> bool:
        """Whether tries of this Dag can be carried out here; others are left to other schedulers."""
        ...

    def submit(self, workload: Workload) -> None:
        """Take a try that was claimed for this executor; never waits."""
        ...

    def cancel(self, task_instance_id: int, token: int, reason: str) -> bool:
        """Stop one try if it is here; it then ends as failed. False when it is not here."""
        ...

    async def serve(self, sink: ReportSink, *, task_status: TaskStatus[None]) -> None:
        """Run tries until cancelled; `started()` once `submit` may be called.

        When cancelled, every try that still runs is stopped and reported as given back.
        """
        ...

    async def wait_idle(self) -> None:
        """Return once no try is running here."""
        ...


class SecretsBackend(Protocol):
    """A place where connections and variables are kept; it is only read.

    Its class is named by the setting `secrets_backend` and called with `secrets_backend_kwargs`; that
    call does not wait. The methods are then called on one event loop, several at a time, each under a
    deadline; whatever is secret in an answer is masked from then on.
    """

    name: str
    """Names the backend in errors and statistics."""

    async def get_connection(self, conn_id: str) -> str | None:
        """The connection as a URI or a JSON object; None when the backend has none of that id.

        Raises:
            SecretsError: it could not be found out; names the key and never the value.
        """
        ...

    async def get_variable(self, key: str) -> str | None:
        """The variable's text; None when the backend has none of that key. Raises as `get_connection`."""
        ...

    async def aclose(self) -> None:
        """Give up connections; nothing is called afterwards."""
        ...


@runtime_checkable
class WatchedSecretsBackend(SecretsBackend, Protocol):
    """A secrets backend that hears of changes, so that nothing is remembered that is no longer true."""

    async def watch(self, notice: Callable[[], None]) -> None:
        """Call `notice` first of all, and then whenever something may have changed, until cancelled."""
        ...


class XComBackend(Protocol):
    """Turns what tasks push into what the database keeps, and back, in the processes of the tasks.

    Its class is named by the setting `xcom_backend` and called with `xcom_backend_kwargs`, once in each
    process; that call does not wait. A method may be called on several threads at a time.
    """

    waits: bool
    """Whether the methods may wait: for coroutines they are then called in worker threads."""

    def serialize(self, value: Any, place: XComPlace) -> Any:
        """A JSON value that the database keeps in the place of `value`."""
        ...

    def deserialize(self, stored: Any) -> Any:
        """The value again, from what the database keeps."""
        ...

    def purge(self, place: XComPlace) -> None:
        """Forget what other tries of the task instance left than the one of `place.token`.

        Called when a try begins that is not the first; and with token 0, which no try has, when the task
        instance is deleted for its age. `place.key` is empty.
        """
        ...
