"""`airflow.utils.state.State`: the states under one roof, as older Dag files spell them."""

from __future__ import annotations

from typing import ClassVar

from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState


class State:
    """Names of states; `State.SUCCESS` compares equal to the text "success"."""

    SUCCESS = TaskInstanceState.SUCCESS
    RUNNING = TaskInstanceState.RUNNING
    FAILED = TaskInstanceState.FAILED
    NONE = None
    REMOVED = TaskInstanceState.REMOVED
    SCHEDULED = TaskInstanceState.SCHEDULED
    QUEUED = TaskInstanceState.QUEUED
    RESTARTING = TaskInstanceState.RESTARTING
    UP_FOR_RETRY = TaskInstanceState.UP_FOR_RETRY
    UP_FOR_RESCHEDULE = TaskInstanceState.UP_FOR_RESCHEDULE
    UPSTREAM_FAILED = TaskInstanceState.UPSTREAM_FAILED
    SKIPPED = TaskInstanceState.SKIPPED
    DEFERRED = TaskInstanceState.DEFERRED

    finished: ClassVar[frozenset[TaskInstanceState]] = FINISHED
    unfinished: ClassVar[frozenset[TaskInstanceState | None]] = frozenset(
        {None, *TaskInstanceState} - FINISHED
    )
    dag_states: ClassVar[tuple[DagRunState, ...]] = tuple(DagRunState)
