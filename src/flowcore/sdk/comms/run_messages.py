"""What a task asks about runs and task instances, its own and others; see `messages.py`.

Each may fail with DatabaseUnavailable.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from flowcore.domain.dag_outlines import DagOutline
from flowcore.domain.dag_runs import DagRun, PastTaskInstance, RunFilter, TaskInstanceFilter
from flowcore.domain.requested_runs import RequestedRun, RunRequest
from flowcore.sdk.comms.messages import Answer, Request


@attrs.frozen
class DagRunFound(Answer):
    """A run, or None if there is none."""

    run: DagRun | None


@attrs.frozen
class TaskInstancesFound(Answer):
    """Task instances, in the order that was asked for."""

    task_instances: tuple[PastTaskInstance, ...]


@attrs.frozen
class Counted(Answer):
    """How many there are."""

    count: int


@attrs.frozen
class GetDagRun(Request[DagRunFound]):
    """Find a run by its name."""

    dag_id: str
    run_id: str


@attrs.frozen
class GetPreviousDagRun(Request[DagRunFound]):
    """Find the run with the latest logical date `before` one; of that state, if one is given."""

    dag_id: str
    before: datetime
    state: str | None = None


@attrs.frozen
class GetPreviousTaskInstance(Request[TaskInstancesFound]):
    """Find the task instance in the run with the latest logical date `before` one, in that state if given."""

    dag_id: str
    task_id: str
    map_index: int
    before: datetime
    state: str | None = None


@attrs.frozen
class CountDagRuns(Request[Counted]):
    """Count runs."""

    selection: RunFilter


@attrs.frozen
class CountTaskInstances(Request[Counted]):
    """Count task instances."""

    selection: TaskInstanceFilter


@attrs.frozen
class ListTaskInstances(Request[TaskInstancesFound]):
    """List task instances by run, in Dag order."""

    selection: TaskInstanceFilter


@attrs.frozen
class DagRunTriggered(Answer):
    """What came of the wish for a run."""

    triggered: RequestedRun


@attrs.frozen
class TriggerDagRun(Request[DagRunTriggered]):
    """Queue a run. Errors: DagNotFound, DagInactive, DagError, ParamError, UsageError."""

    request: RunRequest


@attrs.frozen
class DagOutlineFound(Answer):
    """A Dag, or None if there is none."""

    dag: DagOutline | None


@attrs.frozen
class GetDagOutline(Request[DagOutlineFound]):
    """Find out what a Dag has."""

    dag_id: str
