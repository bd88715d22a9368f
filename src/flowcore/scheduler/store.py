"""What the routines need of a database: one method per routine, each one transaction.

A method claims a snapshot, hands it to the decision it is given, and applies the changes which that
returns, all before it commits; so a decision must be safe to be called again. `database/store.py`
implements it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from flowcore.domain.assets import AssetExpression
from flowcore.domain.dag_callbacks import CallbackEnd, DagCallback
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.timetables.base import DataInterval, TimeRestriction, Timetable
from flowcore.domain.workloads import Slots, TryEnded, TryStarted, Workload
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.decisions.create_asset_runs import AssetRun, PendingAsset
from flowcore.scheduler.decisions.create_dag_runs import DueRuns
from flowcore.scheduler.decisions.end_tries import TryEnd
from flowcore.scheduler.decisions.enqueue_task_instances import ActiveUsage, EnqueueDecision, Limits
from flowcore.scheduler.decisions.start_dag_runs import Line, QueuedRun
from flowcore.scheduler.wake_graph import Channel


@attrs.frozen
class Batch:
    """What one step of a routine did (see `concurrency.loop.Progress`); `moved` counts rows."""

    moved: int = 0
    more: bool = False
    next_at: datetime | None = None
    ignores: frozenset[Channel] = frozenset()


@attrs.frozen
class Queued(Batch):
    """Tries that were claimed, for their executors."""

    workloads: tuple[Workload, ...] = ()


@attrs.frozen
class Applied(Batch):
    """Ends that changed nothing: `refused` of tries that others took over, `stopped` of revoked ones."""

    refused: tuple[TryEnded, ...] = ()
    stopped: tuple[TryEnded, ...] = ()


@attrs.frozen
class RevokedTry:
    """A try of ours that is no longer wanted, and why."""

    task_instance_id: int
    token: int
    reason: str


class DecideDueRuns(Protocol):
    """`decisions.create_dag_runs.due_dag_runs`."""

    def __call__(
        self,
        timetable: Timetable,
        restriction: TimeRestriction,
        *,
        last_interval: DataInterval | None,
        now: datetime,
        limit: int,
    ) -> DueRuns: ...


class DecideAssetRun(Protocol):
    """`decisions.create_asset_runs.asset_run`."""

    def __call__(self, condition: AssetExpression, pending: Collection[PendingAsset]) -> AssetRun | None: ...


class DecideStarts(Protocol):
    """`decisions.start_dag_runs.choose_dag_runs`."""

    def __call__(
        self,
        queued: Iterable[QueuedRun],
        *,
        running: Mapping[Line, int],
        max_active_runs: Mapping[Line, int],
    ) -> tuple[QueuedRun, ...]: ...


class DecideQueue(Protocol):
    """`decisions.enqueue_task_instances.choose_task_instances`."""

    def __call__(
        self, candidates: Iterable[Candidate], usage: ActiveUsage, limits: Limits, *, now: datetime
    ) -> EnqueueDecision: ...


class DecideLoss(Protocol):
    """`decisions.end_tries.lose_try`."""

    def __call__(self, *, was_running: bool, lost_tries: int, claims: int) -> TaskInstanceState: ...


class Store(Protocol):
    """The database as the scheduler's routines see it."""

    async def create_dag_runs(self, decide: DecideDueRuns, *, now: datetime, limit: int) -> Batch:
        """Create the runs that are due of at most `limit` Dags."""
        ...

    async def create_asset_runs(self, decide: DecideAssetRun, *, now: datetime, limit: int) -> Batch:
        """Create the runs of at most `limit` Dags whose assets were updated."""
        ...

    async def start_dag_runs(self, decide: DecideStarts, *, now: datetime, limit: int) -> Batch:
        """Start at most `limit` queued runs, with their task instances in their first states."""
        ...

    async def schedule_task_instances(self, *, now: datetime, limit: int) -> Batch:
        """Settle at most `limit` finished task instances."""
        ...

    async def enqueue_task_instances(
        self,
        decide: DecideQueue,
        free_slots: Mapping[str, Slots],
        *,
        has_dag: Callable[[str], bool],
        now: datetime,
        limit: int,
    ) -> Queued:
        """Queue task instances of the Dags this process has, for executors with free slots.

        The first executor is the default one.
        """
        ...

    async def apply_reports(
        self,
        decide: Callable[[TryEnded], TryEnd],
        *,
        started: Sequence[TryStarted],
        ended: Sequence[TryEnded],
    ) -> Applied:
        """Write what executors reported, unless the try was lost meanwhile.

        Raises:
            DataRefused: one of the reports holds what the database cannot keep; nothing was written.
        """
        ...

    async def recover_task_instances(self, decide: DecideLoss, *, now: datetime, limit: int) -> Batch:
        """Take over the tries of processes whose lease lapsed."""
        ...

    async def complete_backfills(self, *, now: datetime) -> Batch:
        """Complete the backfills of which no run is queued or running."""
        ...

    async def revoked_tries(self) -> Sequence[RevokedTry]:
        """The tries under the lease of this process that are no longer wanted."""
        ...

    async def claim_callbacks(
        self, *, has_dag: Callable[[str], bool], now: datetime, limit: int
    ) -> Sequence[DagCallback]:
        """Claim at most `limit` calls of callbacks, of the Dags that this process has."""
        ...

    async def end_callbacks(self, ends: Sequence[CallbackEnd], *, now: datetime) -> None:
        """Write how calls went, unless they were lost meanwhile."""
        ...

    async def expire(self, *, now: datetime, limit: int) -> Batch:
        """Reschedule retries that are due and end runs that exceeded their dagrun_timeout."""
        ...
