"""Where the runner gets tasks, their sources, XComs and secrets from: what others implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from flowcore.domain.assets import Asset, AssetEvent
from flowcore.domain.connections import Connection
from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.requested_runs import RequestedRun, RunRequest
from flowcore.domain.state_owners import StateOwner
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import XComKey

__all__ = [
    "DagCatalogue",
    "DagFinder",
    "DagSources",
    "RunSource",
    "RunTrigger",
    "SecretsSource",
    "StateSource",
    "TaskFinder",
    "TaskSource",
    "TrySources",
    "XComKey",
    "XComSource",
]


class DagCatalogue(Protocol):
    """Knows which Dags have their files in the Dag folder of this process."""

    def has_dag(self, dag_id: str) -> bool:
        """Whether it is one of them, or was: runs of a Dag whose file is gone go on."""
        ...


class DagSources(Protocol):
    """Knows the sources of Dag versions, whatever their files hold by now."""

    async def get(self, dag_version_id: int) -> DagSource:
        """The source of the file that made the version.

        Raises:
            DagError: The version was not made by a file.
            DatabaseUnavailable: It could not be read.
        """
        ...


class TaskFinder(Protocol):
    """Finds the authors' tasks."""

    async def task(self, workload: Workload) -> BaseOperator:
        """The task that the workload is a try of; may have to read and import its file first.

        Raises:
            DagError: This process does not have the Dag.
            TaskNotFound: The Dag has no such task.
            DatabaseUnavailable: The file could not be read.
        """
        ...


class DagFinder(Protocol):
    """Finds the authors' Dags, and knows which there are."""

    def has_dag(self, dag_id: str) -> bool:
        """Whether this process has the Dag."""
        ...

    async def dag(self, run: RunFacts) -> DAG:
        """The Dag of a run. Raises as `TaskFinder.task`."""
        ...


class TaskSource(TaskFinder, DagFinder, Protocol):
    """Finds both."""


class RunSource(Protocol):
    """Reads runs, task instances and events of assets; see `sdk/comms/run_messages.py`, `asset_messages.py`.

    May raise DatabaseUnavailable.
    """

    async def dag_outline(self, dag_id: str) -> DagOutline | None: ...
    async def dag_run(self, dag_id: str, run_id: str) -> DagRun | None: ...
    async def previous_dag_run(self, dag_id: str, before: datetime, state: str | None) -> DagRun | None: ...
    async def previous_task_instance(
        self, dag_id: str, task_id: str, *, map_index: int, before: datetime, state: str | None
    ) -> PastTaskInstance | None: ...
    async def count_dag_runs(self, selection: RunFilter) -> int: ...
    async def count_task_instances(self, selection: TaskInstanceFilter) -> int: ...
    async def task_instances(self, selection: TaskInstanceFilter) -> Sequence[PastTaskInstance]: ...
    async def consumed_asset_events(self, dag_run_id: int) -> Sequence[AssetEvent]: ...
    async def asset(self, name: str) -> Asset | None: ...
    async def asset_events(
        self, *, limit: int, name: str | None, uri: str | None, alias: str | None
    ) -> Sequence[AssetEvent]: ...


class RunTrigger(Protocol):
    """Queues runs that tries ask for."""

    async def trigger(self, request: RunRequest) -> RequestedRun:
        """Queue a run, or say which there is already.

        Raises:
            DagNotFound, DagInactive: There is no such Dag, or no file makes it any more.
            DagError: Its timetable went wrong.
            ParamError: The conf breaks the Dag's params.
            UsageError: The Dag allows no such runs, or the run's id is not allowed.
            DatabaseUnavailable: Nothing was done, or nobody knows (CommitUnknown).
        """
        ...


class XComSource(Protocol):
    """Reads the XComs that tasks of a run have pushed."""

    async def pull(self, dag_run_id: int, keys: Sequence[XComKey]) -> Mapping[XComKey, str]:
        """The JSON texts under those keys that were pushed; the others are left out."""
        ...

    async def find(
        self, dag_run_id: int, task_ids: Sequence[str], key: str
    ) -> Mapping[str, Sequence[tuple[int, str]]]:
        """What tasks of the run pushed under `key`: map index and JSON text of each instance, in order."""
        ...

    async def count(self, dag_run_id: int, task_id: str, key: str) -> int:
        """How many instances of a task succeeded and pushed something under `key`."""
        ...

    async def slice(
        self, dag_run_id: int, task_id: str, key: str, *, start: int, limit: int
    ) -> Sequence[tuple[int, str]]:
        """At most `limit` of these, by map index, from the one that has `start` of them before it."""
        ...

    async def search(
        self, dag_id: str, run_id: str, task_ids: Sequence[str], *, key: str, until: datetime | None
    ) -> Mapping[str, Sequence[tuple[int, str]]]:
        """The same of any run; `sdk/comms/xcom_messages.py` says more."""
        ...


class SecretsSource(Protocol):
    """Looks up and writes for the tries of a process; `flowcore.secrets.service.Secrets` is one."""

    async def connection(self, conn_id: str) -> Connection: ...
    async def variable(self, key: str) -> str: ...
    async def set_variable(self, key: str, value: str, description: str | None) -> None: ...
    async def delete_variable(self, key: str) -> None: ...
    async def variable_keys(self, prefix: str) -> Sequence[str]: ...


class StateSource(Protocol):
    """Keeps state beyond tries; see `sdk/comms/state_messages.py`. May raise DatabaseUnavailable."""

    async def get(self, asker: Workload, key: str, owner: StateOwner) -> str | None: ...
    async def set(
        self,
        asker: Workload,
        key: str,
        text: str,
        owner: StateOwner,
        *,
        retention_s: float | None,
        never_expires: bool,
    ) -> None: ...
    async def delete(self, asker: Workload, key: str | None, owner: StateOwner) -> None: ...


@attrs.frozen(kw_only=True)
class TrySources:
    """Where what tries ask for is found."""

    xcoms: XComSource
    runs: RunSource
    trigger: RunTrigger
    secrets: SecretsSource
    states: StateSource
