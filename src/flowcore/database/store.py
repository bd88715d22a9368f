"""The scheduler's `Store` on a database: one transaction per method, and what this process remembers.

What is remembered (Dag versions, facts of runs, progress of runs) only saves reading; it is brought up
to date after a commit and never before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DataError

from flowcore.database.claim_memory import TURN_WANTED, ClaimMemory
from flowcore.database.dag_versions import DagVersions
from flowcore.database.engine import Database
from flowcore.database.queries.apply_reports import apply_reports
from flowcore.database.queries.complete_backfills import complete_backfills
from flowcore.database.queries.create_asset_runs import create_asset_runs
from flowcore.database.queries.create_dag_runs import create_dag_runs
from flowcore.database.queries.dag_callbacks import claim_callbacks, end_callbacks
from flowcore.database.queries.enqueue_task_instances import Claimer
from flowcore.database.queries.expire import expire
from flowcore.database.queries.leases import acquire_lease, release_lease, renew_lease
from flowcore.database.queries.pause_failing_dags import pause_failing_dags
from flowcore.database.queries.recover_task_instances import recover_task_instances
from flowcore.database.queries.revoked_tries import revoked_tries
from flowcore.database.queries.schedule_task_instances import schedule_task_instances
from flowcore.database.queries.start_dag_runs import start_dag_runs
from flowcore.database.run_cache import RunCache
from flowcore.database.run_facts import RunFactsCache
from flowcore.domain.dag_callbacks import CallbackEnd, DagCallback
from flowcore.domain.states import DagRunState
from flowcore.domain.workloads import Slots, TryEnded, TryStarted
from flowcore.errors import DataRefused, InvariantBroken
from flowcore.scheduler.decisions.end_tries import TryEnd
from flowcore.scheduler.store import (
    Applied,
    Batch,
    DecideAssetRun,
    DecideDueRuns,
    DecideLoss,
    DecideQueue,
    DecideStarts,
    Queued,
    RevokedTry,
)

log = logging.getLogger(__name__)


class SqlStore:
    """`flowcore.scheduler.store.Store` for one scheduler, which claims tries under one lease.

    On SQLite it refuses to share the database with another scheduler, unless `alone` is false: for
    several in one process, as in a simulation.
    """

    def __init__(self, database: Database, *, alone: bool | None = None) -> None:
        self._database = database
        self._alone = database.dialect_name == "sqlite" if alone is None else alone
        self._lease_id: int | None = None
        self._versions = DagVersions()
        self._cache = RunCache()
        self._memory = ClaimMemory(self._versions, RunFactsCache())

    async def acquire_lease(self, ttl_s: float) -> None:
        """Begin to claim tries under a new lease of `ttl_s` seconds.

        Raises:
            DatabaseInUse: the database is SQLite and another scheduler uses it.
        """
        self._lease_id = await self._database.run(acquire_lease, "scheduler", ttl_s, self._alone)

    async def renew_lease(self, ttl_s: float) -> bool:
        """Extend the lease; false when it lapsed and was taken over."""
        return await self._database.run_apart(renew_lease, self._lease, ttl_s)

    async def release_lease(self) -> bool:
        """Give the lease up; false when tries are still under it: then it has to lapse."""
        released = await self._database.run(release_lease, self._lease)
        self._lease_id = None
        return released

    @property
    def lease_id(self) -> int | None:
        """The lease under which tries are claimed; None before the first one and after a release."""
        return self._lease_id

    @property
    def _lease(self) -> int:
        if self._lease_id is None:
            raise InvariantBroken("the store has no lease; acquire_lease() comes first")
        return self._lease_id

    async def create_dag_runs(self, decide: DecideDueRuns, *, now: datetime, limit: int) -> Batch:
        unit = partial(create_dag_runs, versions=self._versions, now=now, limit=limit)
        return await self._database.run(unit, decide)

    async def create_asset_runs(self, decide: DecideAssetRun, *, now: datetime, limit: int) -> Batch:
        unit = partial(create_asset_runs, versions=self._versions, now=now, limit=limit)
        return await self._database.run(unit, decide)

    async def start_dag_runs(self, decide: DecideStarts, *, now: datetime, limit: int) -> Batch:
        unit = partial(start_dag_runs, own_lease=self._lease, versions=self._versions, now=now, limit=limit)
        batch, begun = await self._database.run(unit, decide)
        for run in begun:
            if run.changes.run_state is None:
                self._cache.put(run.dag_run_id, run.progress)
        return batch

    async def schedule_task_instances(self, *, now: datetime, limit: int) -> Batch:
        unit = partial(
            schedule_task_instances,
            own_lease=self._lease,
            cache=self._cache,
            versions=self._versions,
            now=now,
            limit=limit,
        )
        batch, settled = await self._database.run(unit)
        for run in settled:
            if run.changes.run_state is None:
                self._cache.put(run.dag_run_id, run.progress)
        await self._pause_failing(
            run.progress.dag.dag_id
            for run in settled
            if run.changes.run_state is DagRunState.FAILED
            and run.progress.dag.max_consecutive_failed_dag_runs > 0
        )
        return batch

    async def _pause_failing(self, dag_ids: Iterable[str]) -> None:
        failed = frozenset(dag_ids)
        if failed:
            paused = await self._database.run(pause_failing_dags, failed, versions=self._versions)
            for dag_id in paused:
                log.warning("Dag %s is paused, because its runs keep failing", dag_id)

    async def enqueue_task_instances(
        self,
        decide: DecideQueue,
        free_slots: Mapping[str, Slots],
        *,
        has_dag: Callable[[str], bool],
        now: datetime,
        limit: int,
    ) -> Queued:
        courtesy, wakeups = self._memory.courtesy, self._database.wakeups
        if until := courtesy.stays_away_until(wakeups.version(TURN_WANTED), now):
            return Queued(next_at=until)
        self._memory.absent_dags = {dag_id for dag_id in self._memory.absent_dags if not has_dag(dag_id)}
        claimer = Claimer(
            memory=self._memory,
            lease_id=self._lease,
            free_slots=free_slots,
            has_dag=has_dag,
            now=now,
            limit=limit,
        )
        queued = await self._database.run(claimer.enqueue, decide)
        if self._memory.turned_away_at is not None:
            courtesy.ignore(wakeups.version(TURN_WANTED))
        return queued

    async def apply_reports(
        self,
        decide: Callable[[TryEnded], TryEnd],
        *,
        started: Sequence[TryStarted],
        ended: Sequence[TryEnded],
    ) -> Applied:
        try:
            return await self._database.run(partial(apply_reports, started=started, ended=ended), decide)
        except DataError as error:
            raise DataRefused(f"the database refused what a task left: {error.orig}") from error

    async def recover_task_instances(self, decide: DecideLoss, *, now: datetime, limit: int) -> Batch:
        unit = partial(recover_task_instances, own_lease=self._lease, now=now, limit=limit)
        return await self._database.run(unit, decide)

    async def complete_backfills(self, *, now: datetime) -> Batch:
        return await self._database.run(partial(complete_backfills, now=now))

    async def revoked_tries(self) -> Sequence[RevokedTry]:
        return await self._database.read(revoked_tries, self._lease)

    async def claim_callbacks(
        self, *, has_dag: Callable[[str], bool], now: datetime, limit: int
    ) -> Sequence[DagCallback]:
        unit = partial(claim_callbacks, own_lease=self._lease, has_dag=has_dag, now=now, limit=limit)
        return await self._database.run(unit)

    async def end_callbacks(self, ends: Sequence[CallbackEnd], *, now: datetime) -> None:
        await self._database.run(partial(end_callbacks, ends=ends, now=now))

    async def expire(self, *, now: datetime, limit: int) -> Batch:
        unit = partial(expire, versions=self._versions, now=now, limit=limit)
        batch, dag_ids = await self._database.run(unit)
        await self._pause_failing(dag_ids)
        return batch
