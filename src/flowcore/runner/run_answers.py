"""What the supervisor answers to questions about runs, task instances and events of assets."""

from __future__ import annotations

from typing import Any

from flowcore.runner.sources import RunSource, RunTrigger
from flowcore.sdk.comms.asset_messages import (
    AssetEventsFound,
    AssetFound,
    GetAsset,
    GetAssetEvents,
    GetTriggeringAssetEvents,
)
from flowcore.sdk.comms.messages import Answer, Request
from flowcore.sdk.comms.run_messages import (
    CountDagRuns,
    Counted,
    CountTaskInstances,
    DagOutlineFound,
    DagRunFound,
    DagRunTriggered,
    GetDagOutline,
    GetDagRun,
    GetPreviousDagRun,
    GetPreviousTaskInstance,
    ListTaskInstances,
    TaskInstancesFound,
    TriggerDagRun,
)


async def answer_about_runs(request: Request[Any], runs: RunSource) -> Answer | None:
    """The answer; None to a request that is about something else."""
    match request:
        case GetDagRun(dag_id, run_id):
            return DagRunFound(await runs.dag_run(dag_id, run_id))
        case GetPreviousDagRun(dag_id, before, state):
            return DagRunFound(await runs.previous_dag_run(dag_id, before, state))
        case GetPreviousTaskInstance(dag_id, task_id, map_index, before, state):
            found = await runs.previous_task_instance(
                dag_id, task_id, map_index=map_index, before=before, state=state
            )
            return TaskInstancesFound(() if found is None else (found,))
        case GetDagOutline(dag_id):
            return DagOutlineFound(await runs.dag_outline(dag_id))
        case CountDagRuns(of_runs):
            return Counted(await runs.count_dag_runs(of_runs))
        case CountTaskInstances(selection):
            return Counted(await runs.count_task_instances(selection))
        case ListTaskInstances(selection):
            return TaskInstancesFound(tuple(await runs.task_instances(selection)))
        case GetTriggeringAssetEvents(dag_run_id):
            return AssetEventsFound(tuple(await runs.consumed_asset_events(dag_run_id)))
        case GetAssetEvents(limit, name, uri, alias):
            events = await runs.asset_events(limit=limit, name=name, uri=uri, alias=alias)
            return AssetEventsFound(tuple(events))
        case GetAsset(name):
            asset = await runs.asset(name)
            return AssetFound() if asset is None else AssetFound(asset.uri, asset.group, asset.extra)
    return None


async def answer_by_triggering(request: Request[Any], trigger: RunTrigger) -> Answer | None:
    """The answer; None to a request that is about something else."""
    match request:
        case TriggerDagRun(wanted):
            return DagRunTriggered(await trigger.trigger(wanted))
    return None
