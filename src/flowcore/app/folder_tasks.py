"""Where the in-process executor finds tasks: Dags that were registered here, and those of the Dag folder."""

from __future__ import annotations

import attrs

from flowcore.app.dag_bag import DagBag
from flowcore.domain.dag_sources import DagSource
from flowcore.domain.workloads import RunFacts, Workload
from flowcore.runner.dag_files.dag_imports import DagImports
from flowcore.runner.dag_files.imported_dags import dag_of
from flowcore.runner.sources import DagCatalogue, DagSources
from flowcore.sdk.dags import DAG
from flowcore.sdk.operators import BaseOperator


@attrs.frozen
class FolderTasks:
    """Implements `runner.sources.TaskSource`: a run is carried out with the code of its version.

    That is imported here, when a try first needs it.
    """

    registered: DagBag
    catalogue: DagCatalogue
    sources: DagSources
    imports: DagImports

    def has_dag(self, dag_id: str) -> bool:
        return self.registered.has_dag(dag_id) or self.catalogue.has_dag(dag_id)

    async def task(self, workload: Workload) -> BaseOperator:
        return (await self.dag(workload.run)).get_task(workload.task_id)

    async def dag(self, run: RunFacts) -> DAG:
        if self.registered.has_dag(run.dag_id):
            return await self.registered.dag(run)
        source = await self.sources.get(run.dag_version_id)

        async def read() -> DagSource:
            return source

        return dag_of(await self.imports.dags(source.key, read), run.dag_id)
