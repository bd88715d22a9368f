"""One pass of the critical section over what waits: pages of candidates, counted and decided.

A page leaves out whatever the pages before it found full, so nobody who could run is starved by a head of
the line that cannot. Counts are taken after the locks were had under which they hold: the pool's, and where
a limit tells across pools, one of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from flowcore.database.claim_memory import ClaimMemory
from flowcore.database.queries.active_usage import count_pools, count_runs, count_tasks
from flowcore.database.queries.candidates import LeftOut, OpenPool, Row, read_candidates
from flowcore.database.queries.limit_locks import dag_key, run_key, try_lock
from flowcore.database.queries.waiting_pools import WaitingPool
from flowcore.database.run_facts import RunKey
from flowcore.domain.dags import Dag
from flowcore.domain.workloads import Slots
from flowcore.scheduler.decisions.candidates import Candidate
from flowcore.scheduler.decisions.enqueue_task_instances import (
    PATIENCE,
    ActiveUsage,
    EnqueueDecision,
    Limits,
)
from flowcore.scheduler.store import DecideQueue

#: For a few free slots this many candidates are read: so that every Dag that waits is among them, and so many
#: of a run, for the first ones may be at limits of their own.
_FEW_ROWS = 64
_FEW_OF_A_RUN = 16
#: Each further page of a pass may be so much larger.
_GROWTH = 4


@attrs.define(kw_only=True)
class ClaimPass:
    """The pools that are held, and what was found so far: `rows` by task instance, and decisions."""

    connection: sa.Connection
    memory: ClaimMemory
    default_executor: str
    has_dag: Callable[[str], bool]
    now: datetime
    limit: int
    limits: Limits
    usage: ActiveUsage
    rows: dict[int, Row] = attrs.field(factory=dict)
    decisions: list[EnqueueDecision] = attrs.field(factory=list)
    is_cut: bool = True
    _pools: Sequence[str]
    _full_tasks: set[tuple[str, str]] = attrs.field(factory=set)
    _full_run_tasks: set[tuple[int, str]] = attrs.field(factory=set)
    _counted_tasks: set[tuple[str, str]] = attrs.field(factory=set)

    @classmethod
    def over(cls, pools: Iterable[WaitingPool], executors: Mapping[str, Slots], **fields: Any) -> ClaimPass:
        """Begin with the pools that are held or do not exist."""
        held = [pool for pool in pools if pool.is_held or pool.slots is None]
        slots = {pool.name: pool.slots for pool in held if pool.slots is not None}
        return cls(
            pools=_from(fields["memory"].turns.passes, [pool.name for pool in held]),
            limits=Limits.of(slots, executors),
            usage=ActiveUsage(served=fields["memory"].turns.served),
            default_executor=next(iter(executors)),
            **fields,
        )

    @property
    def queued(self) -> list[Candidate]:
        """Who was chosen so far."""
        return [candidate for decision in self.decisions for candidate in decision.queued]

    @property
    def impossible(self) -> list[tuple[Candidate, str]]:
        """Who can never run, and why."""
        return [pair for decision in self.decisions for pair in decision.impossible]

    @property
    def is_contended(self) -> bool:
        """Whether somebody was passed over because another scheduler was counting."""
        return any(decision.contended for decision in self.decisions)

    @property
    def is_unfinished(self) -> bool:
        """Whether there may be more to queue at once."""
        return self.is_cut and bool(self._open_pools())

    def run(self, decide: DecideQueue) -> None:
        """Decide page by page, until enough are queued or nobody is left who could be."""
        self._count_what_is_scarce()
        while self.is_cut and len(self.queued) < self.limit and (pools := self._open_pools()):
            page = self._read(pools)
            candidates = self._candidates([row for row in page if self._is_here(row.dag_id)])
            decision = decide(candidates, self.usage, self.limits, now=self.now)
            self.memory.full_tasks.note(candidates, decision)
            self.limits = self.limits.less((*decision.queued, *decision.contended))
            self.decisions.append(decision)
        self.memory.turns.note(self.queued)

    def _count_what_is_scarce(self) -> None:
        """Count what pools give; of one without limit only where places are few, for the Dags' turns."""
        is_scarce = self.limits.free_places < self.limit
        count_pools(
            self.connection,
            self.usage,
            [name for name, slots in self.limits.pools.items() if slots >= 0 or is_scarce],
        )
        remembered = self.memory.full_tasks.tasks
        count_tasks(self.connection, self.usage, remembered)
        self._counted_tasks |= remembered
        self._full_tasks, self._full_run_tasks = self.memory.full_tasks.still_full(self.usage)

    def _open_pools(self) -> list[OpenPool]:
        full = {name for decision in self.decisions for name in decision.full_pools}
        opened = []
        for name in self._pools:
            slots = self.limits.pools.get(name)
            is_limited = slots is not None and slots >= 0
            free = slots - self.usage.pool_slots[name] if slots is not None and is_limited else None
            wanted = self.limits.free_places if free is None else min(free, self.limits.free_places)
            if wanted > 0 and name not in full:
                picks = min(self.limit, max(min(wanted, self._for_the_scarcest), _FEW_OF_A_RUN))
                opened.append(OpenPool(name, picks, free, slots if is_limited else None))
        return opened

    @property
    def _for_the_scarcest(self) -> int:
        """How many are read of a run while it is unknown of which kind they are.

        Where one process is free, and a thousand places for coroutines, a backlog of functions is not to be
        read for each of them that ends.
        """
        scarcest = min(free for free in self.limits.places.values() if free > 0)
        return scarcest * int(_GROWTH ** len(self.decisions))

    def _read(self, pools: Sequence[OpenPool]) -> Sequence[Row]:
        picks = {pool.name: pool.picks for pool in pools}
        rows = min(self.limit, max(_FEW_ROWS, 4 * sum(picks.values())))
        page = read_candidates(
            self.connection,
            pools,
            self._left_out(),
            default_executor=self.default_executor,
            patient_since=self.now - PATIENCE,
            rows=rows,
        )
        heads = Counter((row.pool, row.priority_weight, row.dag_run_id) for row in page)
        cut = [(weight, pool) for (pool, weight, _), n in heads.items() if n >= picks[pool]]
        self.is_cut = len(page) >= rows or bool(cut)
        # Where more of a run wait, those with less priority have to wait until these were looked at, too.
        heaviest = {pool: weight for weight, pool in sorted(cut)}
        page = [row for row in page if row.priority_weight >= heaviest.get(row.pool, row.priority_weight)]
        self.rows.update((row.id, row) for row in page)
        return page

    def _left_out(self) -> LeftOut:
        return LeftOut(
            absent_dags=self.memory.absent_dags,
            seen=self.rows.keys(),
            full_runs={run for decision in self.decisions for run in decision.full_runs},
            full_tasks=self._full_tasks.union(*(decision.full_tasks for decision in self.decisions)),
            full_run_tasks=self._full_run_tasks.union(
                *(decision.full_run_tasks for decision in self.decisions)
            ),
            full_places=self.limits.full_places,
        )

    def _is_here(self, dag_id: str) -> bool:
        if dag_id not in self.memory.absent_dags and not self.has_dag(dag_id):
            self.memory.absent_dags.add(dag_id)
        return dag_id not in self.memory.absent_dags

    def _candidates(self, page: Sequence[Row]) -> list[Candidate]:
        facts = self.memory.facts.get(self.connection, {run_of(row) for row in page})
        dags = self.memory.versions.get(self.connection, {run.dag_version_id for run in facts.values()})
        of_run = {run: dags[fact.dag_version_id] for (run, _), fact in facts.items()}
        contended = try_lock(self.connection, _keys(page, of_run))
        self._count(page, of_run)
        return [self._candidate(row, of_run[row.dag_run_id], contended) for row in page]

    def _count(self, page: Sequence[Row], of_run: Mapping[int, Dag]) -> None:
        runs, tasks = set(), set()
        for row in page:
            dag, run = of_run[row.dag_run_id], row.dag_run_id
            if run not in self.usage.per_run and dag.max_active_tasks > 0:
                if row.active_in_run is None or len(dag.pools) > 1:
                    runs.add((row.dag_id, run))
                else:
                    self.usage.per_run[run] = row.active_in_run
            task = dag.tasks[row.position]
            if task.max_active_tis_per_dag is not None or task.max_active_tis_per_dagrun is not None:
                tasks.add((row.dag_id, task.task_id))
        count_runs(self.connection, self.usage, runs)
        count_tasks(self.connection, self.usage, tasks - self._counted_tasks)
        self._counted_tasks |= tasks

    def _candidate(self, row: Row, dag: Dag, contended: frozenset[int]) -> Candidate:
        return Candidate(
            task_instance_id=row.id,
            dag_id=row.dag_id,
            dag_run_id=row.dag_run_id,
            task=dag.tasks[row.position],
            map_index=row.map_index,
            pool=row.pool,
            pool_slots=row.pool_slots,
            priority_weight=row.priority_weight,
            run_date=row.run_date,
            scheduled_at=row.scheduled_at,
            executor=row.executor or self.default_executor,
            max_active_tasks=dag.max_active_tasks,
            is_contended=not contended.isdisjoint(_keys_of(row, dag)),
        )


def _from(start: int, names: Sequence[str]) -> Sequence[str]:
    """Begin somewhere else each time, for a page may be filled by the first pool alone."""
    first = start % max(1, len(names))
    return [*names[first:], *names[:first]]


def run_of(row: Row) -> RunKey:
    """The run of a row, in this of its lives."""
    return row.dag_run_id, row.clear_number


def _keys(page: Iterable[Row], of_run: Mapping[int, Dag]) -> set[int]:
    return {key for row in page for key in _keys_of(row, of_run[row.dag_run_id])}


def _keys_of(row: Row, dag: Dag) -> Sequence[int]:
    """The locks under which a task instance is counted, beside its pool's: most need none."""
    keys = []
    if len(dag.pools) > 1 and dag.max_active_tasks > 0:
        keys.append(run_key(row.dag_run_id))
    if dag.tasks[row.position].max_active_tis_per_dag is not None:
        keys.append(dag_key(row.dag_id))
    return keys
