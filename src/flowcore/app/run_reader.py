"""Reads runs, task instances and events of assets for tries of this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from flowcore.database.engine import Database
from flowcore.database.queries import seen_by_tasks
from flowcore.database.queries.dag_outlines import read_dag_outline
from flowcore.database.queries.seen_asset_events import (
    asset_of_name,
    consumed_asset_events,
    newest_asset_events,
)
from flowcore.domain.assets import Asset, AssetEvent
from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter


class RunReader:
    """`runner.sources.RunSource` on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def dag_outline(self, dag_id: str) -> DagOutline | None:
        return await self._database.read(read_dag_outline, dag_id)

    async def dag_run(self, dag_id: str, run_id: str) -> DagRun | None:
        return await self._database.read(seen_by_tasks.get_dag_run, dag_id, run_id)

    async def previous_dag_run(self, dag_id: str, before: datetime, state: str | None) -> DagRun | None:
        return await self._database.read(seen_by_tasks.get_previous_dag_run, dag_id, before, state)

    async def previous_task_instance(
        self, dag_id: str, task_id: str, *, map_index: int, before: datetime, state: str | None
    ) -> PastTaskInstance | None:
        unit = partial(
            seen_by_tasks.get_previous_task_instance,
            dag_id=dag_id,
            task_id=task_id,
            map_index=map_index,
            before=before,
            state=state,
        )
        return await self._database.read(unit)

    async def count_dag_runs(self, selection: RunFilter) -> int:
        return await self._database.read(seen_by_tasks.count_dag_runs, selection)

    async def count_task_instances(self, selection: TaskInstanceFilter) -> int:
        return await self._database.read(seen_by_tasks.count_task_instances, selection)

    async def task_instances(self, selection: TaskInstanceFilter) -> Sequence[PastTaskInstance]:
        return await self._database.read(seen_by_tasks.list_selected, selection)

    async def consumed_asset_events(self, dag_run_id: int) -> Sequence[AssetEvent]:
        return await self._database.read(consumed_asset_events, dag_run_id)

    async def asset(self, name: str) -> Asset | None:
        return await self._database.read(asset_of_name, name)

    async def asset_events(
        self, *, limit: int, name: str | None, uri: str | None, alias: str | None
    ) -> Sequence[AssetEvent]:
        unit = partial(newest_asset_events, limit=limit, name=name, uri=uri, alias=alias)
        return await self._database.read(unit)
