"""Which write wakes which routine: the whole of it, in one place.

A unit of work that hands something over wakes the channel named after what it wrote; a routine waits
on the channels listed for it. `docs/reference/wake-graph.md` is printed from `WAKES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Channel(StrEnum):
    """What was written."""

    DAGS = "dags"  # a Dag was registered, unpaused, or its next run moved
    RUNS_QUEUED = "runs_queued"
    RUNS_STARTED = "runs_started"
    RUNS_ENDED = "runs_ended"
    UNSETTLED = "unsettled"  # task instances finished, or a run was changed by hand
    RETRIES = "retries"  # a try failed and another is due later
    SCHEDULED = "scheduled"
    SLOTS_FREED = "slots_freed"
    BACKFILLS = "backfills"  # one was created, or has been completed
    ASSET_EVENTS = "asset_events"  # delivered to a Dag that waits for the asset
    CALLBACKS = "callbacks"  # of Dags: some are to be called, or have been
    REVOKED = "revoked"  # tries that run are no longer wanted
    EXECUTOR_REPORTS = "executor_reports"  # in this process only
    CALLS_OVER = "calls_over"  # callbacks of Dags were called; in this process only


class RoutineName(StrEnum):
    """The scheduler's routines, in the order in which work flows through them."""

    CREATE_DAG_RUNS = "create_dag_runs"
    CREATE_ASSET_RUNS = "create_asset_runs"
    START_DAG_RUNS = "start_dag_runs"
    SCHEDULE_TASK_INSTANCES = "schedule_task_instances"
    ENQUEUE_TASK_INSTANCES = "enqueue_task_instances"
    APPLY_EXECUTOR_EVENTS = "apply_executor_events"
    REVOKE_TRIES = "revoke_tries"
    COMPLETE_BACKFILLS = "complete_backfills"
    RECOVER_TASK_INSTANCES = "recover_task_instances"
    EXPIRE = "expire"
    RUN_CALLBACKS = "run_callbacks"


WAKES: Mapping[RoutineName, frozenset[Channel]] = {
    RoutineName.CREATE_DAG_RUNS: frozenset({Channel.DAGS, Channel.RUNS_STARTED, Channel.RUNS_ENDED}),
    RoutineName.CREATE_ASSET_RUNS: frozenset({Channel.ASSET_EVENTS, Channel.DAGS, Channel.RUNS_ENDED}),
    RoutineName.START_DAG_RUNS: frozenset({Channel.RUNS_QUEUED, Channel.RUNS_ENDED, Channel.DAGS}),
    RoutineName.SCHEDULE_TASK_INSTANCES: frozenset({Channel.UNSETTLED}),
    RoutineName.ENQUEUE_TASK_INSTANCES: frozenset({Channel.SCHEDULED, Channel.SLOTS_FREED, Channel.DAGS}),
    RoutineName.APPLY_EXECUTOR_EVENTS: frozenset({Channel.EXECUTOR_REPORTS}),
    RoutineName.REVOKE_TRIES: frozenset({Channel.REVOKED}),
    RoutineName.COMPLETE_BACKFILLS: frozenset({Channel.BACKFILLS, Channel.RUNS_ENDED}),
    RoutineName.RECOVER_TASK_INSTANCES: frozenset(),  # the next lease to lapse is its deadline
    RoutineName.EXPIRE: frozenset({Channel.RUNS_STARTED, Channel.RETRIES}),
    RoutineName.RUN_CALLBACKS: frozenset({Channel.CALLBACKS, Channel.CALLS_OVER}),
}
