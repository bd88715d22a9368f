"""The critical section: scheduled → queued, under every limit.

The pools that somebody waits for are locked, each by one scheduler at a time; those that another one holds
are left to it. What is active is counted after the lock was had, and written before it is given up, so
every limit holds at every instant and nothing has to be counted down. `claim_pass.py` finds who is next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs
import sqlalchemy as sa

from flowcore.database.claim_memory import TURN_WANTED, ClaimMemory
from flowcore.database.queries.candidates import Row
from flowcore.database.queries.claim_pass import ClaimPass, run_of
from flowcore.database.queries.claims import is_in, literal
from flowcore.database.queries.unsettled_marks import Mark, mark_unsettled
from flowcore.database.queries.waiting_pools import hold_waiting_pools
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.run_facts import RunKey
from flowcore.database.tables import lease, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.database.wakeups import wake
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import RunFacts, Slots, Workload
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.store import DecideQueue, Queued
from flowcore.scheduler.wake_graph import Channel

#: How soon a scheduler looks again for what another one held (a pass takes about as long), and once more.
_SOON, _LATER = timedelta(milliseconds=5), timedelta(milliseconds=20)
#: After how long it asks others to let it go first, and stands in line: they may be too old to hear it.
_ASKS_AFTER, _STANDS_IN_LINE_AFTER = timedelta(seconds=0.2), timedelta(seconds=5)

_t = task_instance.c
_claimed = rows_of("claimed", id=sa.BigInteger)
_waiting = task_instance.alias("waiting")
_is_left = sa.exists().where(
    _waiting.c.state == literal("scheduled"), _waiting.c.id.not_in(sa.select(_claimed.c.id))
)
_CLAIM = (
    task_instance.update()
    .values(
        state="queued",
        token=_t.token + 1,
        lease_id=sa.bindparam("lease"),
        queued_at=sa.bindparam("now", type_=UtcDateTime),
        end_date=None,
    )
    .where(
        _t.id == _claimed.c.id,
        is_in(_t.state, "scheduled"),
        # A process whose lease was taken over claims nothing any more.
        sa.exists().where(lease.c.id == sa.bindparam("lease")),
    )
    .returning(
        _t.id,
        _t.token,
        _t.start_date,
        _t.waiting_since,
        _t.reschedules,
        sa.select(_is_left).scalar_subquery().label("is_left"),
    )
)
_failed = rows_of("failed", id=sa.BigInteger, error=sa.Text)
_FAIL = (
    task_instance.update()
    .values(state="failed", error=_failed.c.error, end_date=sa.bindparam("now", type_=UtcDateTime))
    .where(_t.id == _failed.c.id, is_in(_t.state, "scheduled"))
    .returning(_t.dag_run_id, _t.position, _t.map_index)
)
_FREED = frozenset({Channel.SLOTS_FREED})


@attrs.frozen(kw_only=True)
class Claimer:
    """The critical section as one process enters it: what it remembers, its lease, its executors' places.

    `free_slots` names the executors of this scheduler, the default one first. Dags that this process
    does not have are left to others.
    """

    memory: ClaimMemory
    lease_id: int
    free_slots: Mapping[str, Slots]
    has_dag: Callable[[str], bool]
    now: datetime
    limit: int

    def enqueue(self, connection: sa.Connection, decide: DecideQueue) -> Queued:
        """Queue about `limit` task instances."""
        pools = hold_waiting_pools(connection, patiently=self._is_away_for(_STANDS_IN_LINE_AFTER))
        if not pools:
            # Nobody was kept from anything: a second without work is no second in line.
            self.memory.turned_away_at = None
            return Queued(ignores=_FREED)
        is_turned_away = any(not pool.is_held and pool.slots is not None for pool in pools)
        self.memory.turned_away_at = (self.memory.turned_away_at or self.now) if is_turned_away else None
        if self._is_away_for(_ASKS_AFTER):
            wake(connection, TURN_WANTED)
        found = ClaimPass.over(
            pools,
            self.free_slots,
            connection=connection,
            memory=self.memory,
            has_dag=self.has_dag,
            now=self.now,
            limit=self.limit,
        )
        found.run(decide)
        self._fail(connection, found.impossible)
        workloads, is_left = self._claim(connection, found.queued, found.rows)
        return Queued(
            moved=len(workloads),
            more=bool(workloads) and found.is_unfinished,
            next_at=self._look_again_at() if is_turned_away or found.is_contended else None,
            workloads=workloads,
            # Freed slots are news only to those who were left waiting for one.
            ignores=frozenset() if is_left else _FREED,
        )

    def _look_again_at(self) -> datetime:
        return self.now + (_SOON if self.now == (self.memory.turned_away_at or self.now) else _LATER)

    def _is_away_for(self, patience: timedelta) -> bool:
        """Whether others were busy for so long, and could keep this one out for as long as they are."""
        since = self.memory.turned_away_at
        return since is not None and self.now - since > patience

    def _claim(
        self, connection: sa.Connection, queued: Sequence[Candidate], rows: Mapping[int, Row]
    ) -> tuple[tuple[Workload, ...], bool]:
        """Queue these; returns what to submit, and whether anybody is left who waits."""
        if not queued:
            return (), True
        # In the order in which everybody else locks several of them.
        claimed = dump_rows(sorted((candidate.task_instance_id,) for candidate in queued))
        parameters = {"claimed": claimed, "lease": self.lease_id, "now": self.now}
        answers = {row.id: row for row in connection.execute(_CLAIM, parameters)}
        facts = self.memory.facts.get(connection, {run_of(rows[c.task_instance_id]) for c in queued})
        workloads = tuple(
            _workload(candidate, rows[answer.id], answer, facts)
            for candidate in queued
            if (answer := answers.get(candidate.task_instance_id))
        )
        return workloads, any(answer.is_left for answer in answers.values()) or not answers

    def _fail(self, connection: sa.Connection, impossible: Sequence[tuple[Candidate, str]]) -> None:
        if impossible:
            failed = dump_rows((candidate.task_instance_id, reason) for candidate, reason in impossible)
            rows = connection.execute(_FAIL, {"failed": failed, "now": self.now}).all()
            mark_unsettled(
                connection,
                (Mark(row.dag_run_id, row.position, row.map_index, TaskInstanceState.FAILED) for row in rows),
            )


def _workload(candidate: Candidate, row: Row, answer: Row, facts: Mapping[RunKey, RunFacts]) -> Workload:
    task = candidate.task
    return Workload(
        task_instance_id=row.id,
        token=answer.token,
        task_id=task.task_id,
        position=task.position,
        run=facts[run_of(row)],
        map_index=row.map_index,
        try_number=row.try_number,
        max_tries=row.max_tries,
        priority_weight=candidate.priority_weight,
        pool=candidate.pool,
        pool_slots=candidate.pool_slots,
        queue=task.queue,
        executor=candidate.executor,
        runs_in=task.runs_in,
        backend=task.backend,
        execution_timeout_s=task.execution_timeout_s,
        retry_rule=task.retry_rule,
        has_failure_callbacks=task.has_failure_callbacks,
        start_date=answer.start_date,
        waiting_since=answer.waiting_since,
        reschedules=answer.reschedules,
    )
