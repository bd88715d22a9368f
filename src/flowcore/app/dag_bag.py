"""The authors' Dags that this process has at hand: where the in-process executor finds tasks."""

from __future__ import annotations

from collections.abc import Iterable

from flowcore.domain.dags import Dag
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.errors import DagError
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator


class DagBag:
    """Dags by id, and those among them whose newest version was not stored yet."""

    def __init__(self) -> None:
        self._dags: dict[str, DAG] = {}
        self._unstored: dict[str, Dag] = {}

    def add(self, dag: DAG) -> None:
        """Take a Dag in, in place of an older one of the same id.

        Raises:
            DagError: the Dag cannot be used as written.
        """
        self._unstored[dag.dag_id] = dag.compile()
        self._dags[dag.dag_id] = dag

    def unstored(self) -> tuple[Dag, ...]:
        """Return the Dags that have to be stored."""
        return tuple(self._unstored.values())

    def stored(self, dags: Iterable[Dag]) -> None:
        """Note that these versions are in the database now."""
        for dag in dags:
            if self._unstored.get(dag.dag_id) is dag:
                del self._unstored[dag.dag_id]

    @property
    def dag_ids(self) -> tuple[str, ...]:
        """Ids of the Dags at hand."""
        return tuple(self._dags)

    def has_dag(self, dag_id: str) -> bool:
        """Tell whether the Dag is at hand."""
        return dag_id in self._dags

    async def task(self, workload: Workload) -> BaseOperator:
        """Find the task of a try (`runner.sources.TaskSource`)."""
        return (await self.dag(workload.run)).get_task(workload.task_id)

    async def dag(self, run: RunFacts) -> DAG:
        """Find the Dag of a run."""
        dag = self._dags.get(run.dag_id)
        if dag is None:
            raise DagError(
                f"this process does not have the Dag {run.dag_id!r}: register it here, or put its file into "
                "the Dag folder of this scheduler"
            )
        return dag
