"""Looks at the database after each step of a simulation and checks what changed since the last look."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping

import attrs
import sqlalchemy as sa

from flowcore.clock import Clock
from flowcore.database.lanes import Database
from flowcore.domain.dags import Dag
from flowcore.domain.states import FINISHED, DagRunState, TaskInstanceState
from flowcore.domain.workloads import TryEnded, Workload
from flowcore.testing import callback_invariants, claim_invariants, invariants
from flowcore.testing.clock import EPOCH
from flowcore.testing.scripted_calls import ListingCaller
from flowcore.testing.scripts import Script
from flowcore.testing.snapshots import Snapshot
from flowcore.testing.sometimes import Sometimes

_NOTED = {
    TaskInstanceState.UP_FOR_RETRY: "retry",
    TaskInstanceState.SKIPPED: "skipped",
    TaskInstanceState.UPSTREAM_FAILED: "upstream failed",
}

#: What runs under each lease.
Executing = Callable[[], Mapping[int, Iterable[Workload]]]


class Watch:
    """The invariants over the states that a simulation passes through; `seen` is the newest one.

    `caller` is who calls callbacks of Dags in it.
    """

    def __init__(
        self, database: Database, clock: Clock, dags: Mapping[str, Dag], sometimes: Sometimes
    ) -> None:
        self.seen = Snapshot(EPOCH, {}, {}, {}, {}, {})
        self.sometimes, self.caller = sometimes, ListingCaller()
        self._database, self._clock, self._dags = database, clock, dags
        self._raw: sqlite3.Connection | None = None
        self._changes = -1
        self._touched: set[int] = set()

    async def look(self, executing: Executing, *, by_hand: bool = False) -> None:
        """Read the database and check everything that must hold at any instant.

        `executing` tells what runs under which lease. People, who change states `by_hand`, follow no
        trigger rule, and runs that they touched may end in any way.
        """
        if self._raw is None:
            self._raw = await self._database.read(_raw_connection)
        changes = self._raw.total_changes
        if changes == self._changes:
            now = self._clock.now()
            if now != self.seen.at:
                self.seen = attrs.evolve(self.seen, at=now)
                invariants.check_one_live_holder(self.seen, executing())
            return
        self._changes = changes
        before, self.seen = self.seen, Snapshot.of(self._raw, before=self.seen)
        invariants.check_one_run_per_logical_date(self.seen)
        invariants.check_limits(self.seen, self._dags)
        invariants.check_transitions(before, self.seen)
        if by_hand:
            self._note_changes(before)
        else:
            invariants.check_trigger_rules(before, self.seen, self._dags)
            invariants.check_acknowledged_once(before, self.seen)
        invariants.check_one_live_holder(self.seen, executing())
        invariants.check_no_orphans(self.seen)
        self._note(before)

    async def check_reports(self, before: Snapshot, reports: Iterable[TryEnded]) -> None:
        """Check that those of the reports, which were just written, that came too late did nothing."""
        if reports:
            after = await self._database.read(Snapshot.read)
            invariants.check_late_reports_refused(before, after, reports)

    def check_claims(self, before: Snapshot, lease_id: int, *, places: int, is_done: bool) -> None:
        """Check what a pass of the critical section did, which left `places` of its executor free.

        One that `is_done` says that there is nothing more to queue.
        """
        claim_invariants.check_priority(before, self.seen, self._dags)
        if is_done and places > 0 and lease_id in self.seen.leases:
            claim_invariants.check_nobody_starves(self.seen, self._dags, now=self._clock.now())

    async def check_stopped(self, lease_id: int, executing: Iterable[Workload]) -> None:
        """Check that a process left nothing behind when it stopped."""
        after = await self._database.read(Snapshot.read)
        invariants.check_nothing_left(after, lease_id, executing)

    async def has_open_callbacks(self) -> bool:
        """Whether callbacks are still to be called."""
        return await self._database.read(callback_invariants.has_open)

    async def check_settled(self, script: Script) -> None:
        """Check that all runs ended and called back, and how."""
        invariants.check_all_runs_ended(self.seen, self._dags)
        rows = await self._database.read(callback_invariants.callback_rows)
        callback_invariants.check_callbacks(
            self.seen, self._dags, rows, self.caller.called, touched=self._touched
        )
        invariants.check_confluence(self.seen, self._dags, script, touched=self._touched)

    def has_changed_since(self, before: Snapshot) -> bool:
        """Whether anything but the time is different now."""
        return attrs.evolve(before, at=self.seen.at, leases=self.seen.leases) != self.seen

    def _note_changes(self, before: Snapshot) -> None:
        now, note = self.seen, self.sometimes.note
        for row in now.task_instances.values():
            was = before.task_instances[row.id]
            if was is not row and was != row:
                self._touched.add(row.dag_run_id)
                note(row.state is TaskInstanceState.RESTARTING, "cleared while it ran")
                note(was.is_active and row.state in FINISHED, "marked while it ran")
        for run in now.runs.values():
            was_run = before.runs.get(run.id)
            note(was_run is None, "made up for")
            if was_run is not None and was_run != run:
                self._touched.add(run.id)
                note(was_run.is_finished and not run.is_finished, "begun again")

    def _note(self, before: Snapshot) -> None:
        now, note = self.seen, self.sometimes.note
        for row in now.task_instances.values():
            was = before.task_instances.get(row.id)
            if was is None or was is row or was == row:
                continue
            if row.state in _NOTED:
                note(True, _NOTED[row.state])
            note(was.is_active and not row.is_active and row.token > was.token, "lost try")
            note(was.state is TaskInstanceState.RESTARTING and row.state is None, "revoked try stopped")
        used = {name: sum(row.pool_slots for row in now.active if row.pool == name) for name in now.pools}
        note(any(used[name] == slots for name, slots in now.pools.items()), "full pool")
        states = [run.state for run in now.runs.values()]
        note(DagRunState.QUEUED in states and DagRunState.RUNNING in states, "run waits")


def _raw_connection(connection: sa.Connection) -> sqlite3.Connection:
    """The simulation's only connection: it counts how many rows were ever written through it."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw
