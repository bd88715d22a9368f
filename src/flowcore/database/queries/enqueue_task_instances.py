"""The critical section: scheduled → queued, under every limit.

All pools are locked first, in order of name, so that one scheduler at a time spends what is free; what
is active is counted after the lock was had. Pages of candidates are read until places or candidates run
out: a page leaves out the runs, pools and tasks that the pages before it found full, so nobody who could
run is starved by a head of the line that cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.dag_versions import DagVersions
from flowcore.database.queries.active_usage import count_tasks, count_usage
from flowcore.database.queries.claims import ids, literal, names
from flowcore.database.queries.unsettled_marks import Mark, mark_unsettled
from flowcore.database.rows import dump_rows, rows_of
from flowcore.database.run_facts import RunFactsCache, RunKey
from flowcore.database.tables import dag, dag_run, lease, pool, task_instance
from flowcore.database.types import UtcDateTime
from flowcore.domain.states import TaskInstanceState
from flowcore.domain.workloads import RunFacts, Slots, Workload
from flowcore.scheduler.decisions.enqueue_task_instances import (
    Candidate,
    EnqueueDecision,
    Limits,
)
from flowcore.scheduler.store import DecideQueue, Queued
from flowcore.scheduler.wake_graph import Channel

Row = sa.Row[*tuple[Any, ...]]

_t = task_instance.c
_LOCK_POOLS = sa.select(pool.c.name, pool.c.slots).order_by(pool.c.name).with_for_update(key_share=True)
_full_tasks = rows_of("full_tasks", dag_id=sa.Text, task_id=sa.Text)
_FIRST_PAGE = (
    sa.select(
        _t.id,
        _t.dag_run_id,
        _t.dag_id,
        _t.position,
        _t.map_index,
        _t.try_number,
        _t.max_tries,
        _t.executor,
        _t.scheduled_at,
        dag_run.c.clear_number,
    )
    .join(dag_run, dag_run.c.id == _t.dag_run_id)
    .where(
        _t.state == literal("scheduled"),
        _t.dag_id.not_in(sa.select(dag.c.dag_id).where(dag.c.is_paused.is_(sa.true()))),
        _t.dag_id.not_in(names("absent_dags")),
    )
    .order_by(_t.priority_weight.desc(), _t.run_date, _t.position, _t.map_index)
    .limit(sa.bindparam("limit"))
)
_NEXT_PAGE = _FIRST_PAGE.where(
    _t.id.not_in(ids("seen")),
    _t.dag_run_id.not_in(ids("full_runs")),
    _t.pool.not_in(names("full_pools")),
    ~sa.exists().where(_full_tasks.c.dag_id == _t.dag_id, _full_tasks.c.task_id == _t.task_id),
)
_claimed = rows_of("claimed", id=sa.BigInteger)
_CLAIM = (
    task_instance.update()
    .values(
        state="queued",
        token=_t.token + 1,
        lease_id=sa.bindparam("lease"),
        queued_at=sa.bindparam("now", type_=UtcDateTime),
        start_date=None,
        end_date=None,
    )
    .where(
        _t.id == _claimed.c.id,
        _t.state == literal("scheduled"),
        # A process whose lease was taken over claims nothing any more.
        sa.exists().where(lease.c.id == sa.bindparam("lease")),
    )
    .returning(_t.id, _t.token)
)
_failed = rows_of("failed", id=sa.BigInteger, error=sa.Text)
_FAIL = (
    task_instance.update()
    .values(state="failed", error=_failed.c.error, end_date=sa.bindparam("now", type_=UtcDateTime))
    .where(_t.id == _failed.c.id, _t.state == literal("scheduled"))
    .returning(_t.dag_run_id, _t.position, _t.map_index)
)
_FREED = frozenset({Channel.SLOTS_FREED})


@attrs.frozen(kw_only=True)
class Claimer:
    """The critical section as one process enters it: its caches, its lease, its executors' places.

    `free_slots` names the executors of this scheduler, the default one first. Dags that this process
    does not have are left to others, and noted in `absent_dags` so that pages leave them out.
    """

    versions: DagVersions
    facts: RunFactsCache
    lease_id: int
    free_slots: Mapping[str, Slots]
    has_dag: Callable[[str], bool]
    absent_dags: set[str]
    now: datetime
    limit: int

    def enqueue(self, connection: sa.Connection, decide: DecideQueue) -> Queued:
        """Queue at most `limit` task instances per page."""
        pools = {row.name: row.slots for row in connection.execute(_LOCK_POOLS)}
        limits, usage = Limits(pools, dict(self.free_slots)), count_usage(connection)
        rows: dict[int, Row] = {}
        passes: list[EnqueueDecision] = []
        while page := self._page(connection, rows, passes):
            self.absent_dags.update({row.dag_id for row in page if not self.has_dag(row.dag_id)})
            ours = [row for row in page if row.dag_id not in self.absent_dags]
            rows.update((row.id, row) for row in ours)
            candidates = self._candidates(connection, ours)
            count_tasks(connection, usage, candidates)
            passes.append(decide(candidates, usage, limits, now=self.now))
            limits = limits.less(passes[-1].queued)
            if len(page) < self.limit or limits.exhausted:
                break
        queued = [candidate for decision in passes for candidate in decision.queued]
        self._fail(connection, [pair for decision in passes for pair in decision.impossible])
        workloads = self._claim(connection, queued, rows)
        return Queued(
            moved=len(workloads),
            more=len(workloads) >= self.limit and not limits.exhausted,
            workloads=workloads,
            # Freed slots are news only to those who were left waiting for one.
            ignores=frozenset() if len(rows) > len(queued) or limits.exhausted else _FREED,
        )

    def _page(
        self, connection: sa.Connection, seen: Iterable[int], passes: Sequence[EnqueueDecision]
    ) -> Sequence[Row]:
        absent = dump_rows((dag_id,) for dag_id in sorted(self.absent_dags))
        if not passes:
            return connection.execute(_FIRST_PAGE, {"limit": self.limit, "absent_dags": absent}).all()
        return connection.execute(
            _NEXT_PAGE,
            {
                "limit": self.limit,
                "absent_dags": absent,
                "seen": dump_rows((i,) for i in seen),
                "full_runs": dump_rows((i,) for decision in passes for i in decision.full_runs),
                "full_pools": dump_rows((name,) for decision in passes for name in decision.full_pools),
                "full_tasks": dump_rows(key for decision in passes for key in decision.full_tasks),
            },
        ).all()

    def _candidates(self, connection: sa.Connection, page: Sequence[Row]) -> list[Candidate]:
        facts = self.facts.get(connection, {_run_of(row) for row in page})
        dags = self.versions.get(connection, {run.dag_version_id for run in facts.values()})
        default = next(iter(self.free_slots))
        candidates = []
        for row in page:
            of_run = dags[facts[_run_of(row)].dag_version_id]
            candidates.append(
                Candidate(
                    row.id,
                    row.dag_id,
                    row.dag_run_id,
                    of_run.tasks[row.position],
                    row.executor or default,
                    of_run.max_active_tasks,
                    row.scheduled_at,
                )
            )
        return candidates

    def _claim(
        self, connection: sa.Connection, queued: Sequence[Candidate], rows: Mapping[int, Row]
    ) -> tuple[Workload, ...]:
        if not queued:
            return ()
        # In the order in which everybody else locks several of them.
        claimed = dump_rows(sorted((candidate.task_instance_id,) for candidate in queued))
        parameters = {"claimed": claimed, "lease": self.lease_id, "now": self.now}
        tokens = {row.id: row.token for row in connection.execute(_CLAIM, parameters)}
        facts = self.facts.get(connection, {_run_of(rows[c.task_instance_id]) for c in queued})
        return tuple(
            _workload(candidate, rows[candidate.task_instance_id], tokens[candidate.task_instance_id], facts)
            for candidate in queued
            if candidate.task_instance_id in tokens
        )

    def _fail(self, connection: sa.Connection, impossible: Sequence[tuple[Candidate, str]]) -> None:
        if impossible:
            failed = dump_rows((candidate.task_instance_id, reason) for candidate, reason in impossible)
            rows = connection.execute(_FAIL, {"failed": failed, "now": self.now}).all()
            mark_unsettled(
                connection,
                (Mark(row.dag_run_id, row.position, row.map_index, TaskInstanceState.FAILED) for row in rows),
            )


def _run_of(row: Row) -> RunKey:
    return row.dag_run_id, row.clear_number


def _workload(candidate: Candidate, row: Row, token: int, facts: Mapping[RunKey, RunFacts]) -> Workload:
    task = candidate.task
    return Workload(
        task_instance_id=row.id,
        token=token,
        task_id=task.task_id,
        position=task.position,
        run=facts[_run_of(row)],
        map_index=row.map_index,
        try_number=row.try_number,
        max_tries=row.max_tries,
        priority_weight=task.priority_weight,
        pool=task.pool,
        pool_slots=task.pool_slots,
        queue=task.queue,
        executor=candidate.executor,
        runs_in=task.runs_in,
        backend=task.backend,
        execution_timeout_s=task.execution_timeout_s,
        retry_rule=task.retry_rule,
    )
