"""Where the runner gets tasks, XComs and secrets from: what others implement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flowcore.domain.workloads import Workload
from flowcore.sdk.current_secrets import SecretsSource
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import XComKey

__all__ = ["SecretsSource", "TaskSource", "XComKey", "XComSource"]


class TaskSource(Protocol):
    """Knows the authors' tasks."""

    def has_dag(self, dag_id: str) -> bool:
        """Whether this process has the Dag."""
        ...

    def task(self, workload: Workload) -> BaseOperator:
        """The task that the workload is a try of; never waits.

        Raises:
            DagError: This process does not have the Dag.
            TaskNotFound: The Dag has no such task.
        """
        ...


class XComSource(Protocol):
    """Reads the XComs that tasks of a run have pushed."""

    async def pull(self, dag_run_id: int, keys: Sequence[XComKey]) -> Mapping[XComKey, Any]:
        """The values, decoded from JSON, of those keys that were pushed; the others are left out."""
        ...
