"""Choose which scheduled task instances may be queued now: the critical section's decision.

Every limit is checked against what is active plus what this pass has already chosen, so a pass never
exceeds one; the store takes the snapshot and applies the choice under the same locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import attrs

from flowcore.domain.dags import Task
from flowcore.domain.workloads import RunsIn, Slots

#: A wide task instance lets narrower ones of its pool pass for this long, then they wait with it.
PATIENCE = timedelta(seconds=30)


@attrs.frozen
class Candidate:
    """A scheduled task instance; candidates come by priority, then run date, Dag order, map index."""

    task_instance_id: int
    dag_id: str
    dag_run_id: int
    task: Task
    executor: str
    max_active_tasks: int
    scheduled_at: datetime

    @property
    def place(self) -> tuple[str, RunsIn]:
        """What it takes one of: the places of its executor for tries of its kind."""
        return self.executor, self.task.runs_in


@attrs.define
class ActiveUsage:
    """What queued and running task instances hold right now. The keys are what each limit counts."""

    pool_slots: Counter[str] = attrs.field(factory=Counter)
    per_run: Counter[int] = attrs.field(factory=Counter)
    per_task: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    per_run_task: Counter[tuple[int, str]] = attrs.field(factory=Counter)
    #: Tasks whose last two counts are known: only those with limits of their own are worth counting.
    counted_tasks: set[tuple[str, str]] = attrs.field(factory=set)

    def add(self, candidate: Candidate) -> None:
        """Count one task instance more."""
        task = candidate.task
        self.pool_slots[task.pool] += task.pool_slots
        self.per_run[candidate.dag_run_id] += 1
        self.per_task[candidate.dag_id, task.task_id] += 1
        self.per_run_task[candidate.dag_run_id, task.task_id] += 1


@attrs.frozen
class Limits:
    """Slots of each pool (negative: unlimited) and free slots of each executor."""

    pools: Mapping[str, int]
    executors: Mapping[str, Slots]

    @property
    def exhausted(self) -> bool:
        """Whether every executor's slots are taken."""
        return not any(free > 0 for slots in self.executors.values() for free in slots.values())

    def less(self, queued: Iterable[Candidate]) -> Limits:
        """Return what remains after `queued` took their slots."""
        taken = Counter(candidate.place for candidate in queued)
        return Limits(
            self.pools,
            {
                name: {runs_in: free - taken[name, runs_in] for runs_in, free in slots.items()}
                for name, slots in self.executors.items()
            },
        )


@attrs.frozen
class EnqueueDecision:
    """Who is queued, who can never run (with the reason), and what is full.

    Whoever waits for a full run or pool need not be looked at again in this pass.
    """

    queued: tuple[Candidate, ...] = ()
    impossible: tuple[tuple[Candidate, str], ...] = ()
    full_runs: frozenset[int] = frozenset()
    full_pools: frozenset[str] = frozenset()
    full_tasks: frozenset[tuple[str, str]] = frozenset()


def choose_task_instances(
    candidates: Iterable[Candidate], usage: ActiveUsage, limits: Limits, *, now: datetime
) -> EnqueueDecision:
    """Take candidates in their order until limits are reached; `usage` is brought up to date."""
    return _Pass(usage, limits, now).run(candidates)


class _Pass:
    def __init__(self, usage: ActiveUsage, limits: Limits, now: datetime) -> None:
        self.usage, self.limits, self.now = usage, limits, now
        self.places = {
            (name, runs_in): free
            for name, slots in limits.executors.items()
            for runs_in, free in slots.items()
        }
        self.full_runs: set[int] = set()
        self.full_pools: set[str] = set()
        self.full_tasks: set[tuple[str, str]] = set()

    def run(self, candidates: Iterable[Candidate]) -> EnqueueDecision:
        queued: list[Candidate] = []
        impossible: list[tuple[Candidate, str]] = []
        for candidate in candidates:
            if reason := never_runs(candidate, self.limits):
                impossible.append((candidate, reason))
            elif self._fits(candidate):
                self._take(candidate)
                queued.append(candidate)
        return EnqueueDecision(
            tuple(queued),
            tuple(impossible),
            frozenset(self.full_runs),
            frozenset(self.full_pools),
            frozenset(self.full_tasks),
        )

    def _fits(self, candidate: Candidate) -> bool:
        return (
            candidate.task.pool not in self.full_pools
            and self._fits_executor(candidate)
            and self._fits_run(candidate)
            and self._fits_task(candidate)
            and self._fits_pool(candidate)
        )

    def _fits_executor(self, candidate: Candidate) -> bool:
        if self.places[candidate.place] > 0:
            return True
        # Further ones of the task would not fit either, and those of other kinds may.
        self.full_tasks.add((candidate.dag_id, candidate.task.task_id))
        return False

    def _fits_run(self, candidate: Candidate) -> bool:
        limit = candidate.max_active_tasks
        if limit > 0 and self.usage.per_run[candidate.dag_run_id] >= limit:
            self.full_runs.add(candidate.dag_run_id)
            return False
        return True

    def _fits_task(self, candidate: Candidate) -> bool:
        task, key = candidate.task, (candidate.dag_id, candidate.task.task_id)
        per_dag, per_run = task.max_active_tis_per_dag, task.max_active_tis_per_dagrun
        if per_dag is not None and self.usage.per_task[key] >= per_dag:
            self.full_tasks.add(key)
            return False
        run_key = (candidate.dag_run_id, task.task_id)
        return per_run is None or self.usage.per_run_task[run_key] < per_run

    def _fits_pool(self, candidate: Candidate) -> bool:
        pool, wanted = candidate.task.pool, candidate.task.pool_slots
        slots = self.limits.pools[pool]
        open_slots = slots - self.usage.pool_slots[pool]
        if slots < 0 or wanted <= open_slots:
            return True
        if open_slots <= 0 or self.now - candidate.scheduled_at > PATIENCE:
            self.full_pools.add(pool)
        return False

    def _take(self, candidate: Candidate) -> None:
        self.places[candidate.place] -= 1
        self.usage.add(candidate)


def never_runs(candidate: Candidate, limits: Limits) -> str | None:
    """Say why a candidate can never run under these limits, with the remedy; None when it can."""
    pool, wanted = candidate.task.pool, candidate.task.pool_slots
    slots = limits.pools.get(pool)
    if slots is None:
        return f"pool {pool!r} does not exist; create it or choose another pool for the task"
    if 0 <= slots < wanted:
        return f"the task wants {wanted} slots of pool {pool!r}, which has {slots}; enlarge the pool"
    if candidate.executor not in limits.executors:
        known = ", ".join(sorted(limits.executors))
        return f"no executor is called {candidate.executor!r}; this scheduler has: {known}"
    return None
